//! Lists what a component imports and exports, with types: `cargo run --release --example inspect -- FILE.wasm`.

use wasmer_component::types::{ExternType, Types};
use wasmer_component::{Component, Config, Engine};

fn print(types: &Types, name: &str, ty: &ExternType, indent: usize) {
    let pad = " ".repeat(indent);
    match ty {
        ExternType::Func(id) => match types.func(*id) {
            Some(func) => println!("{pad}{name}: {}", types.display_func(func)),
            None => println!("{pad}{name}: function"),
        },
        ExternType::Instance(items) => {
            println!("{pad}{name}");
            for (name, ty) in items {
                print(types, name, ty, indent + 4);
            }
        }
        other => println!("{pad}{name}: {}", other.kind()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: inspect FILE.wasm")?;
    let engine = Engine::new(&Config::new())?;
    let component = Component::new(&engine, &std::fs::read(path)?)?;
    println!("imports");
    for (name, ty) in component.imports() {
        print(component.types(), name, ty, 4);
    }
    println!("exports");
    for (name, ty) in component.exports() {
        print(component.types(), name, ty, 4);
    }
    Ok(())
}
