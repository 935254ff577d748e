//! Times the networks for images on one thread, with random models of their shapes:
//! `cargo run --release -p ser-tests --example image_speed`.

use std::time::{Duration, Instant};

use ser_core::Model;
use ser_core::engine::Engine;
use ser_core::spec;
use ser_tests::random_model::Shape;
use ser_tests::signals;

/// Number of timings of each network; the fastest counts.
const ROUNDS: usize = 20;

fn main() {
    for (name, network) in [("paper", spec::paper()), ("paper-seq", spec::paper_seq())] {
        let bytes = Shape::from(&network).fill(1).to_bytes();
        let model = Model::parse(&bytes).expect("a valid file");
        let columns = model.front_end().image_rows().expect("an image");
        let codes: Vec<i8> = signals::noise(1, i16::MAX, columns * network.input().len())
            .iter()
            .map(|value| (value >> 8) as i8)
            .collect();
        let mut memory = vec![0; model.network_words()];
        let mut engine = Engine::new(&model, &mut memory).expect("memory as large as the model says");
        let mut fastest = Duration::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            engine.reset();
            for row in codes.chunks_exact(network.input().len()) {
                engine.push(row, |_, _| ()).expect("rows of the front end");
            }
            engine.finish(|_, _| ());
            assert!(engine.logits().is_some(), "an image gives logits");
            fastest = fastest.min(start.elapsed());
        }
        println!("{name:<9} {:6.1} ms an image", 1e3 * fastest.as_secs_f64());
    }
}
