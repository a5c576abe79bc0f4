//! Wire formats: JSON decoders that take bytes as they come and give whole objects.
