//! Planted candidates: each must get the verdict and the name it deserves.
