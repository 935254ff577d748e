//! Which file uses which.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprPath, ImplItem, Item, ItemMod, ItemUse, Macro, Stmt};

use super::resolve::Target;
use super::tree::{self, Sources, is_for_tests, is_public, leaves, plain};

/// One file uses names of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// The file that uses, an index into [`Sources::files`].
    pub from: usize,
    /// The file that is used.
    pub to: usize,
    /// The names.
    pub names: BTreeSet<String>,
}

/// All arrows, sorted.
pub fn find(sources: &Sources) -> Vec<Arrow> {
    let mut found: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for (&file, parsed) in &sources.parsed {
        let mut finder = Finder { sources, file, module: sources.file_modules[file], found: &mut found };
        finder.visit_file(parsed);
    }
    found.into_iter().map(|((from, to), names)| Arrow { from, to, names }).collect()
}

struct Finder<'a> {
    sources: &'a Sources,
    file: usize,
    module: usize,
    found: &'a mut BTreeMap<(usize, usize), BTreeSet<String>>,
}

impl Finder<'_> {
    fn add(&mut self, to: usize, name: String) {
        if to != self.file {
            self.found.entry((self.file, to)).or_default().insert(name);
        }
    }

    /// A path of code. A module on its own is not used by being named, what is taken from it is.
    fn path(&mut self, words: &[String]) {
        if let Some(Target::Item { file, name }) = self.sources.resolve(self.module, words) {
            self.add(file, name);
        }
    }

    fn syn_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            let words: Vec<String> = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
            self.path(&words);
        }
    }

    /// Looks for paths in words that only a macro understands.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut words: Vec<String> = Vec::new();
        // Colons since the last word.
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut words));
                    }
                    words.push(plain(&ident));
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.path(&std::mem::take(&mut words));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(&words);
    }

    /// Whether a file is the module itself or stands below it.
    fn is_own(&self, file: usize) -> bool {
        let mut module = self.sources.file_modules.get(file).copied();
        while let Some(index) = module {
            if index == self.module {
                return true;
            }
            module = self.sources.modules.get(index).and_then(|module| module.parent);
        }
        false
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(tree::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[syn::Attribute] = match statement {
            Stmt::Local(local) => &local.attrs,
            Stmt::Macro(statement) => &statement.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let child = self.sources.modules[self.module].children.get(&plain(&item.ident)).copied();
        if let (Some(child), Some((_, items))) = (child, &item.content) {
            let outer = std::mem::replace(&mut self.module, child);
            items.iter().for_each(|item| self.visit_item(item));
            self.module = outer;
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (words, local) in leaves(&item.tree) {
            match (self.sources.resolve(self.module, &words), local) {
                // A door for what is in the module's own rooms is no use of it.
                (Some(Target::Item { file, .. }), _) if is_public(&item.vis) && self.is_own(file) => {}
                (Some(Target::Item { file, name }), _) => self.add(file, name),
                (Some(Target::Module(module)), None) if !is_public(&item.vis) => {
                    self.add(self.sources.modules[module].file, "*".to_owned());
                }
                _ => {}
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.syn_path(path);
        visit::visit_path(self, path);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        // The type of `<T as Trait>::name` is visited as a type; the path holds the trait.
        if let Expr::Path(ExprPath { qself: Some(qself), path, .. }) = expression {
            self.visit_type(&qself.ty);
            self.visit_path(path);
        } else {
            visit::visit_expr(self, expression);
        }
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.syn_path(&invocation.path);
        self.tokens(invocation.tokens.clone());
    }
}
