"""The scored day: what a batch makes of every living unit, in files that a service maps and answers from."""
