use std::fs;

use super::arrows;
use super::check::{Layers, circles, climbs};
use super::tree::Sources;

/// The faults of a package `p` with these files in `src`, whose layers are `top` above `ground`.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join("p/src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sources = Sources::read(root.path(), &[("p", "p")]).unwrap();
    let arrows = arrows::find(&sources);
    let layers = Layers { source: "p/src", layers: &[&["main", "top"], &["ground"]] };
    let mut faults = circles(&sources, &arrows);
    faults.extend(climbs(&sources, &arrows, &layers));
    faults
}

const LIB: (&str, &str) = ("lib.rs", "pub mod ground;\npub mod top;");

#[test]
fn an_arrow_down_is_right_and_one_up_is_told_with_its_names() {
    let down = [LIB, ("ground.rs", "pub struct G;"), ("top.rs", "use crate::ground::G;\npub fn f(_: G) {}")];
    assert_eq!(faults(&down), Vec::<String>::new());
    let up = [LIB, ("ground.rs", "pub fn g() { crate::top::f(); }"), ("top.rs", "pub fn f() {}")];
    assert_eq!(faults(&up), ["UP p/src/ground.rs -> p/src/top.rs: f"]);
}

#[test]
fn files_that_use_each_other_are_a_circle_however_long() {
    let files = [
        LIB,
        ("ground.rs", ""),
        ("top.rs", "mod a;\nmod b;\nmod c;"),
        ("top/a.rs", "pub fn a() { super::b::b(); }"),
        ("top/b.rs", "use super::c::C;\npub fn b(_: C) {}"),
        ("top/c.rs", "pub struct C;\nimpl C { fn c() -> bool { assert!(crate::top::a::a() == ()); true } }"),
    ];
    assert_eq!(
        faults(&files),
        ["CIRCLE of 3 files\n    p/src/top/a.rs -> p/src/top/b.rs: b\n    p/src/top/b.rs -> p/src/top/c.rs: C\n    \
            p/src/top/c.rs -> p/src/top/a.rs: a"]
    );
}

#[test]
fn a_module_that_only_re_exports_is_no_circle_with_its_children() {
    let files = [
        LIB,
        ("ground.rs", ""),
        ("top/mod.rs", "mod a;\nmod b;\npub use a::{A, make};\npub use b::B;"),
        ("top/a.rs", "pub struct A;\npub fn make() {}"),
        ("top/b.rs", "use super::A;\npub struct B(A);\nfn f() { crate::top::make(); }"),
    ];
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn a_module_that_uses_a_child_which_uses_the_module_is_a_circle() {
    let files = [
        LIB,
        ("ground.rs", ""),
        ("top.rs", "mod a;\npub struct Top;\npub fn f() { a::f(Top); }"),
        ("top/a.rs", "pub fn f(_: super::Top) {}"),
    ];
    assert_eq!(
        faults(&files),
        ["CIRCLE of 2 files\n    p/src/top.rs -> p/src/top/a.rs: f\n    p/src/top/a.rs -> p/src/top.rs: Top"]
    );
}

#[test]
fn code_for_tests_does_not_count() {
    let files = [
        LIB,
        (
            "ground.rs",
            "#[cfg(test)]\nmod inline { use crate::top::T; }\n#[cfg(test)] mod tests;\n#[cfg(test)] use crate::top::T;",
        ),
        ("ground/tests.rs", "use crate::top::T;"),
        ("top.rs", "pub struct T;"),
    ];
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn super_of_super_and_inline_modules_are_followed() {
    let files = [
        LIB,
        ("ground.rs", "pub mod deep;"),
        ("ground/deep.rs", "mod inline { fn f() { super::super::super::top::f(); } }"),
        ("top.rs", "pub fn f() {}"),
    ];
    assert_eq!(faults(&files), ["UP p/src/ground/deep.rs -> p/src/top.rs: f"]);
}

#[test]
fn a_module_brought_in_by_use_leads_to_what_is_taken_from_it() {
    let files = [
        LIB,
        ("ground.rs", "use crate::top::{self, inner as other};\nfn f() { top::f(); other::g(); }"),
        ("top.rs", "pub mod inner;\npub fn f() {}"),
        ("top/inner.rs", "pub fn g() {}"),
    ];
    assert_eq!(
        faults(&files),
        ["UP p/src/ground.rs -> p/src/top.rs: f", "UP p/src/ground.rs -> p/src/top/inner.rs: g"]
    );
}

#[test]
fn words_of_a_macro_are_searched_for_paths() {
    let files = [
        LIB,
        (
            "ground.rs",
            "fn f() { println!(\"{}\", vec![crate::top::f()].len()); }\nmacro_rules! m { () => { $crate::top::g() }; }",
        ),
        ("top.rs", "pub fn f() {}\npub fn g() {}"),
    ];
    assert_eq!(faults(&files), ["UP p/src/ground.rs -> p/src/top.rs: f, g"]);
}

#[test]
fn a_program_uses_the_library_by_its_name() {
    let files = [LIB, ("ground.rs", "pub fn g() {}"), ("top.rs", ""), ("main.rs", "fn main() { p::ground::g(); }")];
    assert_eq!(faults(&files), Vec::<String>::new());
    let root_item = [
        ("lib.rs", "pub mod ground;\npub mod top;\npub use top::T;"),
        ("ground.rs", "use crate::T;"),
        ("top.rs", "pub struct T;"),
    ];
    assert_eq!(faults(&root_item), ["UP p/src/ground.rs -> p/src/top.rs: T"]);
}

#[test]
fn a_function_of_the_same_name_does_not_hide_a_module() {
    let files = [
        LIB,
        ("ground.rs", ""),
        ("top.rs", "mod a;\nmod b;\nuse a::a;\npub fn f() { a(); b::b(); }"),
        ("top/a.rs", "pub struct A;\npub fn a() {}"),
        ("top/b.rs", "use super::a::A;\npub fn b() -> Option<A> { None }"),
    ];
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn all_of_a_module_is_an_arrow_to_it() {
    let files = [LIB, ("ground.rs", "use crate::top::*;\nfn f() { t(); }"), ("top.rs", "pub fn t() {}")];
    assert_eq!(faults(&files), ["UP p/src/ground.rs -> p/src/top.rs: *, t"]);
}

#[test]
fn a_file_that_is_in_no_layer_is_a_fault() {
    let files = [("lib.rs", "mod cellar;"), ("cellar.rs", "")];
    assert_eq!(faults(&files), ["NO LAYER has p/src/cellar.rs"]);
}

#[test]
fn a_module_may_name_its_file() {
    let files = [
        LIB,
        ("ground.rs", "pub struct G;"),
        ("top.rs", "pub mod inner;"),
        ("top/inner.rs", "#[path = \"../../other/apart.rs\"]\nmod apart;\npub fn f() { apart::g(); }"),
        ("../other/apart.rs", "use crate::top::inner::f;\npub fn g() { f(); }"),
    ];
    let told = faults(&files);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("CIRCLE of 2 files") && told[0].contains("other/apart.rs"), "{}", told[0]);
}
