//! A model file in flash, aligned and parsed when the firmware is compiled.

/// Bytes with the alignment that kernels need to read words. [`model!`](crate::model!) puts a file into it.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct Aligned<Bytes: ?Sized>(pub Bytes);

/// A model in flash, from a path like that of `include_bytes!`. It is aligned, parsed and checked when the firmware is
/// compiled.
///
/// ```
/// use ser_core::Model;
///
/// const PARSED: Model<'static> = ser_core::model!("../../../models/synthetic/edge.ser");
/// static MODEL: Model<'static> = PARSED;
/// static MEMORY: [u32; PARSED.state_words()] = [0; PARSED.state_words()];
/// # assert_eq!(MODEL.labels().len(), 6);
/// ```
///
/// A file that is no model, or is damaged, is a compile error with the reason:
///
/// ```compile_fail,E0080
/// const BROKEN: ser_core::Model<'static> = ser_core::model!("../../Cargo.toml");
/// # let _ = BROKEN;
/// ```
#[macro_export]
macro_rules! model {
    ($path:expr $(,)?) => {{
        const FILE: &$crate::model::Aligned<[u8]> = &$crate::model::Aligned(*include_bytes!($path));
        // The compiler takes long for a large model and asks whether it will come to an end. It will.
        #[allow(long_running_const_eval)]
        const MODEL: $crate::Model<'static> = match $crate::Model::parse(&FILE.0) {
            Ok(model) => model,
            Err(error) => panic!("{}", error.summary()),
        };
        MODEL
    }};
}
