"""The compliance campaign: appraisal, medals, public exposure and classification, by facts and never by a score."""
