//! The base line: wasmer's own typed call and host call, without a component around them.

use super::ours::rows::Side;
use wasmer::sys::{Cranelift, CraneliftOptLevel, EngineBuilder};
use wasmer::{Function, FunctionEnv, FunctionEnvMut, Instance, Module, Store, imports};

const MODULE: &str = r#"
(module
  (import "host" "nop" (func $nop))
  (func (export "nop"))
  (func (export "call-nop") (param $n i32)
    (if (local.get $n) (then (loop $again
      (call $nop)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))))
"#;

struct Data {
    calls: u64,
}

pub struct Raw {
    store: Store,
    instance: Instance,
}

impl Raw {
    pub fn new() -> anyhow::Result<Raw> {
        let mut cranelift = Cranelift::new();
        cranelift.opt_level(CraneliftOptLevel::Speed);
        let mut store = Store::new(EngineBuilder::new(cranelift));
        let module = Module::new(&store, wat::parse_str(MODULE)?)?;
        let env = FunctionEnv::new(&mut store, Data { calls: 0 });
        let nop =
            Function::new_typed_with_env(&mut store, &env, |mut env: FunctionEnvMut<'_, Data>| {
                env.data_mut().calls += 1
            });
        let imports = imports! { "host" => { "nop" => nop } };
        let instance = Instance::new(&mut store, &module, &imports)?;
        Ok(Raw { store, instance })
    }

    pub fn typed(mut self) -> anyhow::Result<Side> {
        let f = self
            .instance
            .exports
            .get_typed_function::<(), ()>(&self.store, "nop")?;
        Ok(Box::new(move |times| {
            for _ in 0..times {
                f.call(&mut self.store)?;
            }
            Ok(())
        }))
    }

    pub fn dynamic(mut self) -> anyhow::Result<Side> {
        let f = self.instance.exports.get_function("nop")?.clone();
        Ok(Box::new(move |times| {
            for _ in 0..times {
                f.call(&mut self.store, &[])?;
            }
            Ok(())
        }))
    }

    pub fn host(mut self) -> anyhow::Result<Side> {
        let f = self
            .instance
            .exports
            .get_typed_function::<i32, ()>(&self.store, "call-nop")?;
        Ok(Box::new(move |times| {
            Ok(f.call(&mut self.store, times as i32)?)
        }))
    }
}
