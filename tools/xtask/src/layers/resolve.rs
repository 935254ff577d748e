//! From a path in the code to the file that defines what it names.

use super::tree::Sources;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A module.
    Module(usize),
    /// Something defined in this file.
    Item {
        /// An index into [`Sources::files`].
        file: usize,
        /// Its name.
        name: String,
    },
}

/// Re-exports of re-exports are followed so far.
const DEPTH: usize = 16;

impl Sources {
    /// What a path in `module` names; None if it names nothing of the packages that were read.
    pub fn resolve(&self, module: usize, words: &[String]) -> Option<Target> {
        self.resolve_within(module, words, DEPTH)
    }

    fn resolve_within(&self, module: usize, words: &[String], depth: usize) -> Option<Target> {
        let depth = depth.checked_sub(1)?;
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            "self" => self.descend(module, rest, depth),
            "super" => self.resolve_from_parent(module, rest, depth),
            "crate" => self.descend(self.crate_root(module), rest, depth),
            _ => match self.lookup(module, first, !rest.is_empty(), depth) {
                Some(found) => self.descend_from(found, rest, depth),
                None => self.descend(*self.libraries.get(first)?, rest, depth),
            },
        }
    }

    fn resolve_from_parent(&self, module: usize, rest: &[String], depth: usize) -> Option<Target> {
        let parent = self.modules.get(module)?.parent?;
        match rest.split_first() {
            Some((word, rest)) if word == "super" => self.resolve_from_parent(parent, rest, depth),
            _ => self.descend(parent, rest, depth),
        }
    }

    fn crate_root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules.get(module).and_then(|module| module.parent) {
            module = parent;
        }
        module
    }

    /// What a path beginning in `module` names. A name that is not found there is taken as the module's own: a macro
    /// may define it.
    fn descend(&self, module: usize, words: &[String], depth: usize) -> Option<Target> {
        let Some((first, rest)) = words.split_first() else { return Some(Target::Module(module)) };
        match self.lookup(module, first, !rest.is_empty(), depth) {
            Some(found) => self.descend_from(found, rest, depth),
            None => Some(Target::Item { file: self.modules.get(module)?.file, name: first.clone() }),
        }
    }

    fn descend_from(&self, found: Target, rest: &[String], depth: usize) -> Option<Target> {
        match found {
            Target::Module(module) => self.descend(module, rest, depth),
            item => Some(item),
        }
    }

    /// What a single name means in a module; `leads_on` if words follow it, so that a module of the name comes before a
    /// function.
    fn lookup(&self, module: usize, name: &str, leads_on: bool, depth: usize) -> Option<Target> {
        let depth = depth.checked_sub(1)?;
        let here = self.modules.get(module)?;
        if let Some(&child) = here.children.get(name).filter(|_| leads_on) {
            return Some(Target::Module(child));
        }
        if here.items.contains(name) {
            return Some(Target::Item { file: here.file, name: name.to_owned() });
        }
        if let Some(path) = here.imports.get(name) {
            // A crate of the same name: `use ser_core;`.
            let own = path.first().is_some_and(|first| first == name);
            let outside = own.then(|| self.libraries.get(name)).flatten();
            return match outside {
                Some(&library) => self.descend(library, &path[1..], depth),
                None if own && path.len() == 1 => here.children.get(name).map(|&child| Target::Module(child)),
                None => self.resolve_within(module, path, depth),
            };
        }
        if let Some(&child) = here.children.get(name) {
            return Some(Target::Module(child));
        }
        here.globs.iter().find_map(|path| match self.resolve_within(module, path, depth)? {
            Target::Module(all) if all != module => self.lookup(all, name, leads_on, depth),
            _ => None,
        })
    }
}
