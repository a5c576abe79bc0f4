//! Objects of kinds without a struct, and objects that stay bytes until they are read.
