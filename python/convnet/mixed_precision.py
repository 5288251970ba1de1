"""Policies by Keras's older names for them; see `convnet.dtype_policies`.

>>> set_global_policy("mixed_bfloat16")
>>> global_policy().compute_dtype
'bfloat16'
>>> set_global_policy("float32")
"""

from convnet.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
