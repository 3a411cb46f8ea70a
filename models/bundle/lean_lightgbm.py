"""LightGBM without scikit-learn and pandas in the project's own processes, so that one that scores starts sooner."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from models.bundle.own_process import is_own_process

# A notebook, or a program of somebody else, may want LightGBM's own estimators, which need both packages: it gets them.
# LightGBM imports both where they are installed, for classes that nothing here uses: two thirds of the time of its
# import. A module that is None cannot be imported; LightGBM goes on without it, and others import it afterwards.
_UNUSED = [name for name in ("sklearn", "pandas") if is_own_process() and name not in sys.modules]
for _name in _UNUSED:
    sys.modules[_name] = cast("ModuleType", None)
try:
    from lightgbm import Booster, __version__
    from lightgbm.basic import LightGBMError
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

VERSION = str(__version__)
"""The version of LightGBM."""

__all__ = ["VERSION", "Booster", "LightGBMError"]
