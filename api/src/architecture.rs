//! Checks the structure of the source code: the direction of imports and the names of public types.
//!
//! `cargo test -p callshot architecture -- --nocapture` also prints the import graph.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The top-level modules of this crate. Each may import itself and the modules listed after it. Modules after `domain`
/// are the platform, which therefore imports no noun.
const LAYERS: [&str; 17] = [
    "server",
    "import",
    "demo",
    "operator",
    "app",
    "metrics",
    "schema",
    "domain",
    "write",
    "graphql",
    "limits",
    "context",
    "auth",
    "telemetry",
    "config",
    "values",
    "error",
];

/// Names that several public types may have, each with the reason.
const SHARED_NAMES: [(&str, &str); 2] = [
    ("FieldContext", "an alias that applies the executor's type to this crate's request context"),
    ("ObjectType", "a short form of the executor's trait for this crate's request context"),
];

/// Source text by path, relative to a `src` directory.
type Sources = BTreeMap<String, String>;

/// One use of a path that starts with `crate`, `self` or `super`.
#[derive(Debug)]
struct Import {
    file: String,
    line: usize,
    /// Absolute within the crate.
    path: Vec<String>,
}

impl Import {
    /// Whether the imported module is listed above the importing one. The crate's root counts as above every module.
    fn is_upward(&self) -> bool {
        let Some(own) = layer(module_path(&self.file).first()) else { return false };
        layer(self.path.first()).is_none_or(|imported| imported < own)
    }
}

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "api/src/{}:{}: crate::{}", self.file, self.line, self.path.join("::"))
    }
}

fn layer(module: Option<&String>) -> Option<usize> {
    LAYERS.iter().position(|layer| Some(*layer) == module.map(String::as_str))
}

/// Returns the module that a file holds: `domain/touch/list.rs` is `domain::touch::list`.
fn module_path(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// Reads all Rust sources below a directory, except tests in files of their own and binaries.
fn read_sources(root: &Path) -> Sources {
    fn visit(root: &Path, directory: &Path, sources: &mut Sources) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, sources);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let is_test = name.ends_with("_tests.rs") || name == "architecture.rs";
            if path.extension().is_some_and(|extension| extension == "rs") && name != "main.rs" && !is_test {
                sources.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut sources = Sources::new();
    visit(root, root, &mut sources);
    sources
}

fn own_sources() -> Sources {
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// Replaces comments, literals and test items by spaces, so that what remains is code on its original line.
fn production_code(source: &str) -> String {
    let mut code = without_comments_and_literals(source);
    while let Some(start) = code.find("#[cfg(test)]") {
        let item = start + "#[cfg(test)]".len();
        let end = item_end(&code[item..]) + item;
        let blank: String = code[start..end].chars().map(|char| if char == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blank);
    }
    code
}

/// Returns the length of an item: up to its semicolon, or to the brace that closes its body.
fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (index, char) in code.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 1 => return index + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    code.len()
}

fn without_comments_and_literals(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(char) = rest.chars().next() {
        let after_word = code.ends_with(|char: char| char.is_alphanumeric() || char == '_') && !code.ends_with(" b");
        let length = match char {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' if !after_word => raw_string(rest).unwrap_or_default(),
            '\'' => char_literal(rest).unwrap_or_default(),
            _ => 0,
        };
        if length == 0 {
            code.push(char);
            rest = &rest[char.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut index) = (0_usize, 0);
    while index < text.len() {
        let rest = &text.as_bytes()[index..];
        if rest.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += 1;
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (index, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
    let body = hashes + 2;
    if text.as_bytes().get(hashes + 1) != Some(&b'"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[body..].find(&end).map_or(text.len(), |index| body + index + end.len()))
}

/// Returns the length of a character literal; `None` for a lifetime.
fn char_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return chars.find(|(_, char)| *char == '\'').map(|(index, _)| index + 1);
    }
    chars.next().filter(|(_, char)| *char == '\'').map(|(index, _)| index + 1)
}

/// Splits code into words, `::` and other characters, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(char) = rest.chars().next() {
            let word = rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
            let length = match char {
                ':' if rest.starts_with("::") => 2,
                _ if word > 0 => word,
                _ => char.len_utf8(),
            };
            tokens.push((number + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Returns every path of a file that starts with `crate`, `self` or `super`, with groups expanded.
fn imports_of(file: &str, source: &str) -> Vec<Import> {
    let code = production_code(source);
    let tokens = tokens(&code);
    let own = module_path(file);
    let mut imports = Vec::new();
    for index in 0..tokens.len() {
        let (line, word) = tokens[index];
        let follows_path = index > 0 && tokens[index - 1].1 == "::";
        if follows_path || tokens.get(index + 1).is_none_or(|(_, next)| *next != "::") {
            continue;
        }
        let prefix = match word {
            "crate" => Vec::new(),
            "self" => own.clone(),
            "super" => own[..own.len().saturating_sub(1)].to_vec(),
            _ => continue,
        };
        let mut paths = Vec::new();
        expand(&tokens, index + 1, prefix, &mut paths);
        imports.extend(paths.into_iter().map(|path| Import { file: file.to_owned(), line, path }));
    }
    imports
}

/// Follows a path from its first `::` and returns the index of the token after it.
fn expand(tokens: &[(usize, &str)], mut index: usize, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let token = |index: usize| tokens.get(index).map_or("", |(_, token)| token);
    while token(index) == "::" {
        index += 1;
        match token(index) {
            "super" => {
                path.pop();
            }
            "{" => {
                index += 1;
                while !matches!(token(index), "}" | "") {
                    let mut inner = path.clone();
                    if token(index) != "self" && token(index) != "*" {
                        inner.push(token(index).to_owned());
                    }
                    index = expand(tokens, index + 1, inner, paths);
                    while !matches!(token(index), "," | "}" | "") {
                        index += 1;
                    }
                    if token(index) == "," {
                        index += 1;
                    }
                }
                return index + 1;
            }
            word if word.starts_with(|char: char| char.is_alphabetic() || char == '_') => path.push(word.to_owned()),
            _ => break,
        }
        index += 1;
    }
    paths.push(path);
    index
}

/// The files of the crate and the imports between them.
struct Graph {
    imports: Vec<Import>,
    /// Imported files by importing file.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn new(sources: &Sources) -> Self {
        let modules: BTreeMap<Vec<String>, &String> = sources.keys().map(|file| (module_path(file), file)).collect();
        let mut edges: BTreeMap<String, BTreeSet<String>> =
            sources.keys().map(|file| (file.clone(), BTreeSet::new())).collect();
        let imports: Vec<Import> = sources.iter().flat_map(|(file, source)| imports_of(file, source)).collect();
        for import in &imports {
            let target = (1..=import.path.len()).rev().find_map(|length| modules.get(&import.path[..length]));
            if let Some(target) = target.filter(|target| **target != &import.file) {
                edges.entry(import.file.clone()).or_default().insert((*target).clone());
            }
        }
        Self { imports, edges }
    }

    fn upward(&self) -> Vec<String> {
        self.imports.iter().filter(|import| import.is_upward()).map(Import::to_string).collect()
    }

    fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in &self.edges[file] {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// Returns the largest set of files that all import each other, directly or through others.
    fn largest_cycle(&self) -> BTreeSet<&str> {
        let reachable: BTreeMap<&str, BTreeSet<&str>> =
            self.edges.keys().map(|file| (file.as_str(), self.reachable(file))).collect();
        let cycle_of = |file: &str| -> BTreeSet<&str> {
            reachable[file].iter().copied().filter(|other| reachable[other].contains(file)).collect()
        };
        reachable.keys().map(|file| cycle_of(file)).max_by_key(BTreeSet::len).unwrap_or_default()
    }
}

impl std::fmt::Display for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cycle = self.largest_cycle();
        let folders: BTreeSet<&str> =
            cycle.iter().map(|file| file.rsplit_once('/').map_or(*file, |(to, _)| to)).collect();
        writeln!(f, "modules:       {}", self.edges.len())?;
        writeln!(f, "edges:         {}", self.edges.values().map(BTreeSet::len).sum::<usize>())?;
        writeln!(f, "upward edges:  {}", self.upward().len())?;
        writeln!(f, "largest cycle: {} modules, in {}", cycle.len(), Vec::from_iter(folders).join(", "))?;
        for layer in LAYERS {
            let own = |file: &&String| module_path(file).first().is_some_and(|module| module == layer);
            let used: BTreeSet<String> = self
                .edges
                .iter()
                .filter(|(file, _)| own(file))
                .flat_map(|(_, to)| to)
                .map(|to| module_path(to)[0].clone())
                .collect();
            let files = self.edges.keys().filter(own).count();
            let used: Vec<&str> = LAYERS.into_iter().filter(|to| *to != layer && used.contains(*to)).collect();
            writeln!(
                f,
                "{layer:9} {files:3} modules, uses {}",
                if used.is_empty() { "none".to_owned() } else { used.join(", ") }
            )?;
        }
        Ok(())
    }
}

#[test]
fn imports_follow_the_order_of_the_layers() {
    let graph = Graph::new(&own_sources());
    println!("{graph}");
    assert!(graph.edges.len() > 100 && graph.imports.len() > 500, "the sources were not found: {graph}");
    let upward = graph.upward();
    assert!(upward.is_empty(), "imports of a module above (see LAYERS):\n{}", upward.join("\n"));
}

#[test]
fn the_layers_are_the_modules_of_the_crate_in_the_order_of_lib_rs() {
    let code = production_code(&own_sources()["lib.rs"]);
    let modules: Vec<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("pub(crate) mod ")))
        .filter(|module| module.ends_with(';'))
        .map(|module| module.trim_end_matches(';'))
        .collect();
    assert_eq!(modules, LAYERS);
}

#[test]
fn a_planted_upward_import_is_reported() {
    let sources = |text: &str| Sources::from([("values/clock.rs".to_owned(), text.to_owned())]);
    let upward = |text: &str| Graph::new(&sources(text)).upward();
    let at = |line: usize, path: &str| format!("api/src/values/clock.rs:{line}: crate::{path}");
    assert_eq!(upward("\nuse crate::domain::touch::Touch;"), [at(2, "domain::touch::Touch")]);
    assert_eq!(upward("use crate::{error::Error, app::{self, App}};"), [at(1, "app"), at(1, "app::App")]);
    assert_eq!(upward("fn f() { crate::schema::build::<u8>() }"), [at(1, "schema::build")]);
    assert_eq!(upward("use super::super::write::Write;"), [at(1, "write::Write")]);
    assert_eq!(upward("macro_rules! m { () => { $crate::graphql::object! {} } }"), [at(1, "graphql::object")]);
    assert_eq!(upward("use crate::App;"), [at(1, "App")]);
    for allowed in [
        "use crate::error::Error; use super::text; use self::real::Real; pub(crate) struct Clock;",
        "// use crate::app::App;\n/* crate::app /* nested */ crate::app */",
        "const A: (&str, char) = (\"crate::app\", '\"'); const B: &str = r#\"crate::app::\"App\"#; fn f<'a>(_: &'a str) {}",
        "#[cfg(test)]\nmod tests { use crate::app::App; fn f() { {} } }",
        "#[cfg(test)]\nuse crate::app::App;",
    ] {
        assert_eq!(upward(allowed), [""; 0], "{allowed}");
    }
}

/// Returns the names of types that a file declares for its crate or for others.
fn public_types(source: &str) -> Vec<String> {
    let code = production_code(source);
    let tokens = tokens(&code);
    let word = |index: usize| tokens.get(index).map_or("", |(_, token)| token);
    let mut types = Vec::new();
    for index in 0..tokens.len() {
        if word(index) != "pub" {
            continue;
        }
        // `pub(super)` is private to its folder.
        let keyword = match (word(index + 1), word(index + 2)) {
            ("(", "crate") => index + 4,
            ("(", _) => continue,
            _ => index + 1,
        };
        let name = word(keyword + 1);
        if matches!(word(keyword), "struct" | "enum" | "trait" | "type" | "union")
            && name.starts_with(char::is_uppercase)
        {
            types.push(name.to_owned());
        }
    }
    types
}

#[test]
fn no_two_public_types_share_a_name() {
    // SeaORM prescribes these names for every entity.
    let prescribed = ["Model", "Entity", "Column", "ActiveModel", "Relation", "PrimaryKey"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in ["api", "crates/database", "crates/graphql-executor", "crates/graphql-http", "entity"] {
        for (file, source) in read_sources(&root.join(folder).join("src")) {
            for name in public_types(&source) {
                if folder != "entity" || !prescribed.contains(&name.as_str()) {
                    declared.entry(name).or_default().push(format!("{folder}/src/{file}"));
                }
            }
        }
    }
    assert!(declared.len() > 300, "the sources were not found: {} types", declared.len());
    let shared: Vec<String> = declared
        .iter()
        .filter(|(name, files)| files.len() > 1 && !SHARED_NAMES.iter().any(|(shared, _)| shared == name))
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(shared.is_empty(), "public types that share a name:\n{}", shared.join("\n"));
}
