//! A generated guest on the `wasmtime` crate: what `component_fuzz::session` is on the engine.

use component_fuzz::guest::{HOST, PAGE};
use component_fuzz::types::{Ty, Value, name};
use wasmtime::component::{Component, Func, Instance, Linker, Val};
use wasmtime::{Config, Engine, OptLevel, Result, Store, StoreContextMut};

/// What the host function `g` was called with and will answer.
#[derive(Default)]
pub struct Host {
    pub received: Option<Vec<Val>>,
    pub answer: Option<Val>,
}

pub struct Session {
    pub store: Store<Host>,
    instance: Instance,
    prefix: &'static str,
}

/// An engine that takes the drafts that ours takes.
pub fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_component_model_map(true);
    Engine::new(&config)
}

impl Session {
    pub fn new(engine: &Engine, component: &Component) -> Result<Session> {
        let mut linker = Linker::<Host>::new(engine);
        linker.instance(HOST)?.func_new(
            "g",
            |mut cx: StoreContextMut<'_, Host>, _, params: &[Val], results: &mut [Val]| {
                let host = cx.data_mut();
                host.received = Some(params.to_vec());
                for (place, answer) in results.iter_mut().zip(host.answer.clone()) {
                    *place = answer;
                }
                Ok(())
            },
        )?;
        let mut store = Store::new(engine, Host::default());
        let instance = linker.instantiate(&mut store, component)?;
        Ok(Session {
            store,
            instance,
            prefix: "",
        })
    }

    pub fn of(&mut self, prefix: &'static str) -> &mut Session {
        self.prefix = prefix;
        self
    }

    fn func(&mut self, name: &str) -> Result<Func> {
        let name = format!("{}{name}", self.prefix);
        self.instance
            .get_func(&mut self.store, name.as_str())
            .ok_or_else(|| wasmtime::Error::msg("it is not exported"))
    }

    pub fn call(&mut self, name: &str, params: &[Val]) -> Result<Option<Val>> {
        let func = self.func(name)?;
        let mut results = vec![Val::Bool(false); func.ty(&self.store).results().len()];
        func.call(&mut self.store, params, &mut results)?;
        Ok(results.pop())
    }

    pub fn prepare(&mut self, image: &[u8]) -> Result<()> {
        self.store.data_mut().received = None;
        self.call("reset", &[])?;
        let image = image.iter().map(|byte| Val::U8(*byte)).collect();
        self.call("poke", &[Val::U32(0), Val::List(image)])?;
        self.call("reset", &[]).map(drop)
    }

    pub fn memory(&mut self) -> Result<Vec<u8>> {
        let size = match self.call("size", &[])? {
            Some(Val::U32(size)) => size,
            _ => PAGE as u32,
        };
        match self.call("peek", &[Val::U32(0), Val::U32(size)])? {
            Some(Val::List(bytes)) => Ok(bytes
                .iter()
                .map(|byte| match byte {
                    Val::U8(byte) => *byte,
                    _ => 0,
                })
                .collect()),
            _ => Ok(Vec::new()),
        }
    }
}

/// The model's value as theirs. None when it is not of the type.
pub fn to_val(value: &Value, ty: &Ty) -> Option<Val> {
    let all = |values: &[Value], tys: &[Ty]| {
        let each = |(v, ty): (&Value, &Ty)| to_val(v, ty);
        values.iter().zip(tys).map(each).collect::<Option<Vec<_>>>()
    };
    Some(match (value, ty) {
        (Value::Bool(v), Ty::Bool) => Val::Bool(*v),
        (Value::Int(v), Ty::S8) => Val::S8(*v as i8),
        (Value::Int(v), Ty::U8) => Val::U8(*v as u8),
        (Value::Int(v), Ty::S16) => Val::S16(*v as i16),
        (Value::Int(v), Ty::U16) => Val::U16(*v as u16),
        (Value::Int(v), Ty::S32) => Val::S32(*v as i32),
        (Value::Int(v), Ty::U32) => Val::U32(*v as u32),
        (Value::Int(v), Ty::S64) => Val::S64(*v as i64),
        (Value::Int(v), Ty::U64) => Val::U64(*v),
        (Value::F32(v), Ty::F32) => Val::Float32(f32::from_bits(*v)),
        (Value::F64(v), Ty::F64) => Val::Float64(f64::from_bits(*v)),
        (Value::Char(v), Ty::Char) => Val::Char(*v),
        (Value::String(v), Ty::String) => Val::String(v.clone()),
        (Value::Many(items), Ty::List(ty)) => {
            Val::List(items.iter().map(|v| to_val(v, ty)).collect::<Option<_>>()?)
        }
        (Value::Many(entries), Ty::Map(key, value)) => {
            let entry = |v: &Value| match v {
                Value::Many(pair) => match pair.as_slice() {
                    [k, v] => Some((to_val(k, key)?, to_val(v, value)?)),
                    _ => None,
                },
                _ => None,
            };
            Val::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        (Value::Many(items), Ty::Record(tys)) => {
            let values = all(items, tys)?.into_iter().enumerate();
            Val::Record(values.map(|(i, v)| (name('f', i), v)).collect())
        }
        (Value::Many(items), Ty::Tuple(tys)) => Val::Tuple(all(items, tys)?),
        (Value::Flags(set), Ty::Flags(_)) => {
            let set = set.iter().enumerate().filter(|(_, set)| **set);
            Val::Flags(set.map(|(i, _)| name('f', i)).collect())
        }
        (Value::Case(case, payload), ty) => {
            let inner = match (payload, ty.payload(*case as usize)) {
                (Some(v), Some(ty)) => Some(Box::new(to_val(v, ty)?)),
                (None, None) => None,
                _ => return None,
            };
            match ty {
                Ty::Variant(_) => Val::Variant(name('c', *case as usize), inner),
                Ty::Enum(_) => Val::Enum(name('c', *case as usize)),
                Ty::Option(_) => Val::Option(inner),
                Ty::Result(..) if *case == 0 => Val::Result(Ok(inner)),
                Ty::Result(..) => Val::Result(Err(inner)),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Their value in the model. None when it is not of the type.
pub fn of_val(val: &Val, ty: &Ty) -> Option<Value> {
    let number = |name: &str, kind: char| name.strip_prefix(kind)?.parse::<usize>().ok();
    let case = |case: usize, payload: &Option<Box<Val>>| {
        let payload = match (payload, ty.payload(case)) {
            (Some(v), Some(ty)) => Some(Box::new(of_val(v, ty)?)),
            (None, None) => None,
            _ => return None,
        };
        Some(Value::Case(case as u32, payload))
    };
    Some(match (val, ty) {
        (Val::Bool(v), Ty::Bool) => Value::Bool(*v),
        (Val::S8(v), Ty::S8) => Value::Int(u64::from(*v as u8)),
        (Val::U8(v), Ty::U8) => Value::Int(u64::from(*v)),
        (Val::S16(v), Ty::S16) => Value::Int(u64::from(*v as u16)),
        (Val::U16(v), Ty::U16) => Value::Int(u64::from(*v)),
        (Val::S32(v), Ty::S32) => Value::Int(u64::from(*v as u32)),
        (Val::U32(v), Ty::U32) => Value::Int(u64::from(*v)),
        (Val::S64(v), Ty::S64) => Value::Int(*v as u64),
        (Val::U64(v), Ty::U64) => Value::Int(*v),
        (Val::Float32(v), Ty::F32) => Value::F32(v.to_bits()),
        (Val::Float64(v), Ty::F64) => Value::F64(v.to_bits()),
        (Val::Char(v), Ty::Char) => Value::Char(*v),
        (Val::String(v), Ty::String) => Value::String(v.clone()),
        (Val::List(items), Ty::List(ty)) => {
            Value::Many(items.iter().map(|v| of_val(v, ty)).collect::<Option<_>>()?)
        }
        (Val::Map(entries), Ty::Map(key, value)) => {
            let entry =
                |(k, v): &(Val, Val)| Some(Value::Many(vec![of_val(k, key)?, of_val(v, value)?]));
            Value::Many(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        (Val::Record(fields), Ty::Record(tys)) => {
            let each = |((_, value), ty): (&(String, Val), &Ty)| of_val(value, ty);
            Value::Many(fields.iter().zip(tys).map(each).collect::<Option<_>>()?)
        }
        (Val::Tuple(items), Ty::Tuple(tys)) => {
            let each = |(value, ty): (&Val, &Ty)| of_val(value, ty);
            Value::Many(items.iter().zip(tys).map(each).collect::<Option<_>>()?)
        }
        (Val::Flags(set), Ty::Flags(count)) => {
            let mut flags = vec![false; *count];
            for flag in set {
                *flags.get_mut(number(flag, 'f')?)? = true;
            }
            Value::Flags(flags)
        }
        (Val::Variant(case_name, payload), Ty::Variant(_)) => {
            case(number(case_name, 'c')?, payload)?
        }
        (Val::Enum(case_name), Ty::Enum(_)) => case(number(case_name, 'c')?, &None)?,
        (Val::Option(payload), Ty::Option(_)) => case(usize::from(payload.is_some()), payload)?,
        (Val::Result(Ok(payload)), Ty::Result(..)) => case(0, payload)?,
        (Val::Result(Err(payload)), Ty::Result(..)) => case(1, payload)?,
        _ => return None,
    })
}
