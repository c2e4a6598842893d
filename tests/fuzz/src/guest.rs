//! Guests that let a test see, and say, everything that crosses the boundary: components generated for a pair of function types.
//!
//! The guest thinks nothing. `f` stores the core values it is called with and returns the ones planned for it; `r` only does the
//! latter; `go` calls the imported `g` with planned core values and stores what it gets. All of that is in the first page of the
//! guest's memory, which the test fills with `poke` before a call and reads with `peek` after it:
//!
//! | bytes | what |
//! |---|---|
//! | [`F_PARAMS`] | what `f` was called with, 8 bytes a core value |
//! | [`F_RESULT`] | what `f` and `r` return |
//! | [`F_CALLS`], [`POSTS`], [`POST_ARGUMENT`] | calls of `f`, of its and `r`'s `post-return`, and what the latter got |
//! | [`G_PARAMS`], [`G_RESULT`] | what `g` is called with, what it returned |
//! | [`DATA`] to [`PAGE`] | memory that planned values point to |
//! | from [`PAGE`] | heap of `realloc`, given back by `reset`, grown as needed |

use crate::abi::{Core, Encoding, flatten_function};
use crate::types::{Signature, Ty, name};

/// Parameters that `f` got.
pub const F_PARAMS: usize = 64;
/// What `f` returns.
pub const F_RESULT: usize = 256;
/// How often `f` ran, 4 bytes.
pub const F_CALLS: usize = 264;
/// How often the post-return of `f` or `r` ran, 4 bytes.
pub const POSTS: usize = 268;
/// What it was called with last.
pub const POST_ARGUMENT: usize = 272;
/// What `g` is called with.
pub const G_PARAMS: usize = 320;
/// What it returned.
pub const G_RESULT: usize = 512;
/// Where planned data begins.
pub const DATA: usize = 1024;
/// Where the heap begins: the size of what is planned.
pub const PAGE: usize = 65536;

/// The name of the instance that guests import.
pub const HOST: &str = "fuzz:values/host";

/// Declarations of the types that must have names, in the order that they need.
#[derive(Default)]
struct Declarations {
    /// Name and definition.
    types: Vec<(String, String)>,
}

impl Declarations {
    /// How the type is written where it is used.
    fn of(&mut self, ty: &Ty) -> String {
        let definition = match ty {
            Ty::Bool => return "bool".to_string(),
            Ty::S8 => return "s8".to_string(),
            Ty::U8 => return "u8".to_string(),
            Ty::S16 => return "s16".to_string(),
            Ty::U16 => return "u16".to_string(),
            Ty::S32 => return "s32".to_string(),
            Ty::U32 => return "u32".to_string(),
            Ty::S64 => return "s64".to_string(),
            Ty::U64 => return "u64".to_string(),
            Ty::F32 => return "f32".to_string(),
            Ty::F64 => return "f64".to_string(),
            Ty::Char => return "char".to_string(),
            Ty::String => return "string".to_string(),
            Ty::List(ty) => return format!("(list {})", self.of(ty)),
            Ty::FixedList(ty, len) => return format!("(list {} {len})", self.of(ty)),
            Ty::Map(key, value) => return format!("(map {} {})", self.of(key), self.of(value)),
            Ty::Option(ty) => return format!("(option {})", self.of(ty)),
            Ty::Tuple(tys) => {
                let tys: Vec<_> = tys.iter().map(|ty| self.of(ty)).collect();
                return format!("(tuple {})", tys.join(" "));
            }
            Ty::Result(ok, err) => {
                let ok = ok.as_ref().map_or(String::new(), |ty| self.of(ty));
                let err = err
                    .as_ref()
                    .map_or(String::new(), |ty| format!("(error {})", self.of(ty)));
                return format!("(result {ok} {err})");
            }
            Ty::Record(tys) => {
                let fields = tys.iter().enumerate();
                let fields: Vec<_> = fields
                    .map(|(i, ty)| format!("(field \"{}\" {})", name('f', i), self.of(ty)))
                    .collect();
                format!("(record {})", fields.join(" "))
            }
            Ty::Variant(cases) => {
                let cases = cases.iter().enumerate();
                let cases: Vec<_> = cases
                    .map(|(i, ty)| {
                        let ty = ty.as_ref().map_or(String::new(), |ty| self.of(ty));
                        format!("(case \"{}\" {ty})", name('c', i))
                    })
                    .collect();
                format!("(variant {})", cases.join(" "))
            }
            Ty::Enum(count) => {
                let names: Vec<_> = (0..*count)
                    .map(|i| format!("\"{}\"", name('c', i)))
                    .collect();
                format!("(enum {})", names.join(" "))
            }
            Ty::Flags(count) => {
                let names: Vec<_> = (0..*count)
                    .map(|i| format!("\"{}\"", name('f', i)))
                    .collect();
                format!("(flags {})", names.join(" "))
            }
        };
        let known = self.types.iter().find(|(_, known)| *known == definition);
        let name = match known {
            Some((name, _)) => name.clone(),
            None => {
                let name = format!("t{}", self.types.len());
                self.types.push((name.clone(), definition));
                name
            }
        };
        format!("${name}")
    }

    /// A function type, as in `(func ...)`.
    fn function(&mut self, signature: &Signature) -> String {
        let mut text = String::new();
        for (i, ty) in signature.params.iter().enumerate() {
            text += &format!(" (param \"{}\" {})", name('p', i), self.of(ty));
        }
        if let Some(ty) = &signature.result {
            text += &format!(" (result {})", self.of(ty));
        }
        text
    }

    /// The result of a function type alone.
    fn result(&mut self, signature: &Signature) -> String {
        self.function(&Signature {
            params: vec![],
            result: signature.result.clone(),
        })
    }

    /// Declares and exports them: in an instance type, or in a component.
    fn exported(&self, in_component: bool) -> String {
        let each = |(name, definition): &(String, String)| {
            if in_component {
                format!(
                    "(type ${name}-def {definition}) (export ${name} \"{name}\" (type ${name}-def))\n"
                )
            } else {
                format!(
                    "(type ${name}-def {definition}) (export \"{name}\" (type ${name} (eq ${name}-def)))\n"
                )
            }
        };
        self.types.iter().map(each).collect()
    }

    /// Takes them out of an instance.
    fn aliased(&self, instance: &str) -> String {
        let each = |(name, _): &(String, String)| {
            format!("(alias export ${instance} \"{name}\" (type ${name}))\n")
        };
        self.types.iter().map(each).collect()
    }
}

fn names(cores: &[Core]) -> String {
    let names: Vec<_> = cores.iter().map(|core| core.name()).collect();
    names.join(" ")
}

fn stores(cores: &[Core], at: usize) -> String {
    let each = |(i, core): (usize, &Core)| {
        format!(
            "({}.store (i32.const {}) (local.get {i}))\n",
            core.name(),
            at + 8 * i
        )
    };
    cores.iter().enumerate().map(each).collect()
}

fn loads(cores: &[Core], at: usize) -> String {
    let each =
        |(i, core): (usize, &Core)| format!("({}.load (i32.const {}))", core.name(), at + 8 * i);
    cores.iter().enumerate().map(each).collect()
}

/// The heap: a bump allocator that moves what it enlarges and grows the memory when it must.
fn libc() -> String {
    format!(
        r#"
  (core module $libc
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const {PAGE}))
    (func (export "reset") (global.set $top (i32.const {PAGE})))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $end i32) (local $have i32)
      (local.set $at (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (local.set $end (i32.add (local.get $at) (local.get $size)))
      (local.set $have (i32.shl (memory.size) (i32.const 16)))
      (if (i32.gt_u (local.get $end) (local.get $have))
        (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1)
                  (i32.shr_u (i32.sub (local.get $end) (local.get $have)) (i32.const 16)))))
          (then unreachable))))
      (global.set $top (local.get $end))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $old-size) (local.get $size) (i32.lt_u (local.get $old-size) (local.get $size))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
"#
    )
}

const OPTIONS: &str =
    r#"(memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))"#;

/// The core module, its instance and the component functions `size`, `reset`, `peek` and `poke`, plus what is asked for: `f`
/// and `r` of a type (the text of the whole, and of the result alone), `go` for an import `g`, which must be a core function `$g`.
fn body(f: Option<(&Signature, &str, &str)>, g: Option<&Signature>, encoding: Encoding) -> String {
    let encoding = encoding.option();
    let mut module = String::new();
    let mut functions = String::new();
    let mut imports = String::new();
    if let Some(g) = g {
        let (params, results) = flatten_function(g, true);
        module += &format!(
            "(import \"h\" \"g\" (func $g (param {}) (result {})))\n",
            names(&params),
            names(&results)
        );
        imports += "(with \"h\" (instance (export \"g\" (func $g))))";
    }
    module += "(import \"libc\" \"memory\" (memory 2))\n";
    if let Some((f, ty, result)) = f {
        let (params, results) = flatten_function(f, false);
        let (params_text, results_text) = (names(&params), names(&results));
        let count = |at: usize| {
            format!(
                "(i32.store (i32.const {at}) (i32.add (i32.load (i32.const {at})) (i32.const 1)))\n"
            )
        };
        module += &format!(
            r#"(func (export "f") (param {params_text}) (result {results_text}) {} {} {})
               (func (export "r") (result {results_text}) {})
               (func (export "post") (param {results_text}) {} {})
            "#,
            stores(&params, F_PARAMS),
            count(F_CALLS),
            loads(&results, F_RESULT),
            loads(&results, F_RESULT),
            count(POSTS),
            stores(&results, POST_ARGUMENT),
        );
        functions += &format!(
            r#"(func (export "f") {ty} (canon lift (core func $m "f") {OPTIONS} {encoding} (post-return (core func $m "post"))))
               (func (export "r") {result} (canon lift (core func $m "r") {OPTIONS} {encoding} (post-return (core func $m "post"))))
            "#,
        );
    }
    if let Some(g) = g {
        let (params, results) = flatten_function(g, true);
        let results_stored = match results.as_slice() {
            [core] => format!(
                "(local $v {}) (local.set $v {{}}) ({}.store (i32.const {G_RESULT}) (local.get $v))",
                core.name(),
                core.name()
            ),
            _ => "{}".to_string(),
        };
        let call = format!("(call $g {})", loads(&params, G_PARAMS));
        module += &format!(
            "(func (export \"go\") {})\n",
            results_stored.replace("{}", &call)
        );
        functions += "(func (export \"go\") (canon lift (core func $m \"go\")))\n";
    }
    format!(
        r#"
  (core module $m
    {module}
    (func (export "size") (result i32) (i32.shl (memory.size) (i32.const 16)))
    (func (export "peek") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
    (func (export "poke") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))
  (core instance $m (instantiate $m (with "libc" (instance $libc)) {imports}))
  {functions}
  (func (export "size") (result u32) (canon lift (core func $m "size")))
  (func (export "reset") (canon lift (core func $libc "reset")))
  (func (export "peek") (param "at" u32) (param "len" u32) (result (list u8)) (canon lift (core func $m "peek") {OPTIONS}))
  (func (export "poke") (param "at" u32) (param "bytes" (list u8)) (canon lift (core func $m "poke") {OPTIONS}))
"#
    )
}

/// A component that exports `f` and `r`, and `go` for `g` of the instance [`HOST`].
pub fn single(f: &Signature, g: &Signature, encoding: Encoding) -> String {
    let mut types = Declarations::default();
    let f_type = types.function(f);
    let g_type = types.function(g);
    let result = types.result(f);
    let body = body(Some((f, &f_type, &result)), Some(g), encoding);
    format!(
        r#"(component
  (import "{HOST}" (instance $host
    {}
    (export "g" (func {g_type}))))
  {}
  {}
  (core func $g (canon lower (func $host "g") {OPTIONS} {}))
  {body})"#,
        types.exported(false),
        types.aliased("host"),
        libc(),
        encoding.option(),
    )
}

/// Two components in one: a caller whose `go` calls the callee's `f`. The functions of either are exported with `caller-` or
/// `callee-` before their names.
pub fn composed(f: &Signature, caller: Encoding, callee: Encoding) -> String {
    let mut types = Declarations::default();
    let f_type = types.function(f);
    let result = types.result(f);
    let alias = |instance: &str, function: &str| {
        format!("(export \"{instance}-{function}\" (func ${instance} \"{function}\"))\n")
    };
    let mut exports = alias("caller", "go");
    for instance in ["caller", "callee"] {
        for function in ["size", "reset", "peek", "poke"] {
            exports += &alias(instance, function);
        }
    }
    format!(
        r#"(component
  (component $callee
    {}
    {}
    {})
  (component $caller
    (import "{HOST}" (instance $host
      {}
      (export "f" (func {f_type}))))
    {}
    (core func $g (canon lower (func $host "f") {OPTIONS} {}))
    {})
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "{HOST}" (instance $callee))))
  {exports})"#,
        types.exported(true),
        libc(),
        body(Some((f, &f_type, &result)), None, callee),
        types.exported(false),
        libc(),
        caller.option(),
        body(None, Some(f), caller),
    )
}
