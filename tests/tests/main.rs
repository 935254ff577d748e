//! All tests of this package as one program, which is linked once.

mod chunks;
mod containers;
mod edge_cases;
mod embedding;
mod float_bound;
mod frontend;
mod gate;
mod image;
mod image_networks;
mod kernels;
mod level_meter;
mod listening;
mod model_file;
mod preprocessing;
mod quant;
mod reference;
mod snapshot;
mod untrusted;
