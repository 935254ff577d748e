//! The files of packages and the modules in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::{Attribute, Item, UseTree, Visibility};

/// All code that was read.
#[derive(Default)]
pub struct Sources {
    /// Files, by their paths from the root.
    pub files: Vec<PathBuf>,
    /// What each file holds; the inline modules in it are parts of it.
    pub parsed: BTreeMap<usize, syn::File>,
    /// The module that each file is.
    pub file_modules: Vec<usize>,
    /// All modules, files and inline ones.
    pub modules: Vec<Module>,
    /// Root module of each library, by the name under which other crates use it.
    pub libraries: BTreeMap<String, usize>,
    root: PathBuf,
}

/// A module.
#[derive(Debug)]
pub struct Module {
    /// The file that it stands in, an index into [`Sources::files`].
    pub file: usize,
    /// None for the root of a crate.
    pub parent: Option<usize>,
    /// Modules in it by name.
    pub children: BTreeMap<String, usize>,
    /// What `use` brings in: the local name, and the words of the path.
    pub imports: BTreeMap<String, Vec<String>>,
    /// Modules of which `use` brings in all.
    pub globs: Vec<Vec<String>>,
    /// What is defined in it.
    pub items: BTreeSet<String>,
}

impl Sources {
    /// Reads the libraries, programs, tests, examples and benches of these packages (folder, name of the library) below
    /// `root`.
    pub fn read(root: &Path, packages: &[(&str, &str)]) -> Result<Self> {
        let mut sources = Self { root: root.to_owned(), ..Self::default() };
        for (folder, name) in packages {
            let folder = Path::new(folder);
            let library = folder.join("src/lib.rs");
            if root.join(&library).is_file() {
                let module = sources.read_crate(&library)?;
                sources.libraries.insert((*name).to_owned(), module);
            }
            if root.join(folder.join("src/main.rs")).is_file() {
                sources.read_crate(&folder.join("src/main.rs"))?;
            }
            for roots in ["src/bin", "tests", "examples", "benches"] {
                for file in crate_roots(root, &folder.join(roots))? {
                    sources.read_crate(&file)?;
                }
            }
        }
        Ok(sources)
    }

    /// The folder or file below a package's `src` that a file belongs to, or the package.
    pub fn room(&self, file: usize) -> String {
        let Some(path) = self.files.get(file) else { return String::new() };
        let words: Vec<String> = path.with_extension("").iter().map(|word| word.to_string_lossy().into()).collect();
        match words.iter().position(|word| word == "src") {
            Some(source) if words.len() > source + 1 && words[source + 1] != "lib" => {
                format!("{}/{}", words[..source].join("/"), words[source + 1])
            }
            _ => {
                words.split(|word| ["src", "tests", "examples", "benches"].contains(&word.as_str())).next().map_or_else(
                    String::new,
                    |package| if package.is_empty() { "tests".to_owned() } else { package.join("/") },
                )
            }
        }
    }

    fn read_crate(&mut self, path: &Path) -> Result<usize> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        self.read_file(path, None, &folder)
    }

    /// Reads a file as a module; `folder` is where the files of its modules are.
    fn read_file(&mut self, path: &Path, parent: Option<usize>, folder: &Path) -> Result<usize> {
        let full = self.root.join(path);
        let text = std::fs::read_to_string(&full).with_context(|| format!("cannot read {}", full.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
        let file = self.files.len();
        self.files.push(path.to_owned());
        self.file_modules.push(self.modules.len());
        let module = self.add_module(file, parent, &parsed.items, folder)?;
        self.parsed.insert(file, parsed);
        Ok(module)
    }

    fn add_module(&mut self, file: usize, parent: Option<usize>, items: &[Item], folder: &Path) -> Result<usize> {
        let module = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            imports: BTreeMap::new(),
            globs: Vec::new(),
            items: BTreeSet::new(),
        });
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(child) = item {
                let name = plain(&child.ident);
                if name == "tests" {
                    continue;
                }
                let below = folder.join(&name);
                let index = match &child.content {
                    Some((_, items)) => self.add_module(file, Some(module), items, &below)?,
                    None => {
                        let beside = folder.join(format!("{name}.rs"));
                        let path = match declared_path(&child.attrs) {
                            Some(declared) => self.files[file].with_file_name(declared),
                            None if self.root.join(&beside).is_file() => beside,
                            None => below.join("mod.rs"),
                        };
                        self.read_file(&path, Some(module), &below)?
                    }
                };
                self.modules[module].children.insert(name, index);
            } else if let Item::Use(item) = item {
                let module = &mut self.modules[module];
                for (path, local) in leaves(&item.tree) {
                    match local {
                        Some(local) => drop(module.imports.insert(local, path)),
                        None => module.globs.push(path),
                    }
                }
            } else if let Some(name) = name(item) {
                self.modules[module].items.insert(name);
            }
        }
        Ok(module)
    }
}

/// Files of a folder that are crates of their own: `NAME.rs` and `NAME/main.rs`.
fn crate_roots(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Ok(Vec::new()) };
    let mut roots = Vec::new();
    for entry in entries {
        let path = folder.join(entry?.file_name());
        if path.extension().is_some_and(|extension| extension == "rs") {
            roots.push(path);
        } else if root.join(&path).join("main.rs").is_file() {
            roots.push(path.join("main.rs"));
        }
    }
    roots.sort();
    Ok(roots)
}

/// The file of a module that names it, relative to the folder of the file that declares the module.
fn declared_path(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// Whether an item is compiled for tests alone.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let words = list.tokens.to_string();
            words == "test"
                || (words.starts_with("all") && words.split([' ', '(', ')', ',']).any(|word| word == "test"))
        }
        _ => false,
    })
}

/// The paths that a `use` brings in, each with its local name; None for all of a module.
pub fn leaves(tree: &UseTree) -> Vec<(Vec<String>, Option<String>)> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree)
            .into_iter()
            .map(|(mut words, local)| {
                words.insert(0, plain(&path.ident));
                // `use a::b::{self}` brings in `b`.
                if words.last().is_some_and(|last| last == "self") && words.len() > 1 {
                    words.pop();
                    let renamed = local.filter(|local| local != "self");
                    let last = words.last().cloned();
                    return (words, renamed.or(last));
                }
                (words, local)
            })
            .collect(),
        UseTree::Name(name) => vec![(vec![plain(&name.ident)], Some(plain(&name.ident)))],
        UseTree::Rename(rename) => vec![(vec![plain(&rename.ident)], Some(plain(&rename.rename)))],
        UseTree::Glob(_) => vec![(Vec::new(), None)],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// Whether a `use` gives what it brings in to others.
pub fn is_public(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// An identifier without `r#`.
pub fn plain(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    match item {
        Item::Const(item) => Some(plain(&item.ident)),
        Item::Enum(item) => Some(plain(&item.ident)),
        Item::Fn(item) => Some(plain(&item.sig.ident)),
        Item::Macro(item) => item.ident.as_ref().map(plain),
        Item::Static(item) => Some(plain(&item.ident)),
        Item::Struct(item) => Some(plain(&item.ident)),
        Item::Trait(item) => Some(plain(&item.ident)),
        Item::Type(item) => Some(plain(&item.ident)),
        Item::Union(item) => Some(plain(&item.ident)),
        _ => None,
    }
}
