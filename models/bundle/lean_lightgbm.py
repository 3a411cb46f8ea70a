"""LightGBM without scikit-learn and pandas, so that a process that only scores starts sooner."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

# LightGBM imports both where they are installed, for classes that nothing here uses: two thirds of the time of its
# import. A module that is None cannot be imported; LightGBM goes on without it, and others import it afterwards.
_UNUSED = [name for name in ("sklearn", "pandas") if name not in sys.modules]
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
