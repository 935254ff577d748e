//! How much memory a model needs, so that a firmware can size its buffers when it is compiled.

use super::parsed::Model;
#[cfg(feature = "image")]
use crate::frontend::ImageFrontEnd;
use crate::frontend::{FrontEnd, RowGate};

impl Model<'_> {
    /// Memory of the network, u32 words.
    pub const fn network_words(&self) -> usize {
        let mut words = self.scratch_words();
        let mut rest = self.layers();
        while let [layer, behind @ ..] = rest {
            rest = behind;
            words += layer.state_words();
        }
        words
    }

    /// Work memory that all layers share, u32 words.
    pub(crate) const fn scratch_words(&self) -> usize {
        let mut words = 0;
        let mut rest = self.layers();
        while let [layer, behind @ ..] = rest {
            rest = behind;
            if layer.scratch_words() > words {
                words = layer.scratch_words();
            }
        }
        words
    }

    /// Memory of a [`crate::Recognizer`], u32 words: audio, FFT, held rows and the network. For a model of images
    /// [`Model::image_state_words`].
    pub const fn state_words(&self) -> usize {
        #[cfg(feature = "image")]
        if self.front_end().image.is_some() {
            return self.image_state_words();
        }
        self.front_end_words() + self.held_words() + self.row_words() + self.network_words()
    }

    /// Memory of a [`crate::ImageRecognizer`] besides the levels of the utterance, u32 words: FFT or sums, one column
    /// and the network.
    #[cfg(feature = "image")]
    pub const fn image_state_words(&self) -> usize {
        self.image_words() + self.column_words() + self.network_words()
    }

    /// i16 values that a [`crate::ImageRecognizer`] needs for the levels of an utterance of `samples` samples.
    #[cfg(feature = "image")]
    pub const fn image_levels_len(&self, samples: usize) -> usize {
        ImageFrontEnd::levels_len(self.front_end(), samples)
    }

    pub(crate) const fn front_end_words(&self) -> usize {
        FrontEnd::work_len(self.front_end())
    }

    pub(crate) const fn held_words(&self) -> usize {
        RowGate::<i8>::ring_len(self.front_end().trim, self.front_end().mel_bands).div_ceil(4)
    }

    #[cfg(feature = "image")]
    pub(crate) const fn image_words(&self) -> usize {
        ImageFrontEnd::work_len(self.front_end())
    }

    #[cfg(feature = "image")]
    pub(crate) const fn column_words(&self) -> usize {
        self.front_end().row_shape().len().div_ceil(4)
    }

    pub(crate) const fn row_words(&self) -> usize {
        self.front_end().mel_bands.div_ceil(4)
    }
}
