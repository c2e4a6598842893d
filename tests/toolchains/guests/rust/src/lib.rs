wit_bindgen::generate!({ path: "../../wit", world: "kit", generate_all });
use exports::test::kit::values::*;
use test::kit::host::{self, Entry};
struct Kit;
struct Item { name: String }
impl GuestThing for Item {
    fn new(name: String) -> Self { Item { name } }
    fn name(&self) -> String { self.name.clone() }
    fn join(a: Thing, b: ThingBorrow<'_>) -> Thing {
        Thing::new(Item { name: format!("{}+{}", a.get::<Item>().name, b.get::<Item>().name) })
    }
}
impl Guest for Kit {
    type Thing = Item;
    fn numbers(a: u8, b: i8, c: u16, d: i16, e: u32, f: i32, g: u64, h: i64, i: f32, j: f64, k: bool, l: char) -> (u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, bool, char) { (a, b, c, d, e, f, g, h, i, j, k, l) }
    fn text(a: String) -> String { a }
    fn bytes(a: Vec<u8>) -> Vec<u8> { a }
    fn points(a: Vec<Point>) -> Vec<Point> { a }
    fn shapes(a: Vec<Shape>) -> Vec<Shape> { a }
    fn maybe(a: Option<Option<u32>>) -> Option<Option<u32>> { a }
    fn outcome(a: Result<String, Shape>) -> Result<String, Shape> { a }
    fn nothing(a: Result<(), ()>) -> Result<(), ()> { a }
    fn perm(a: Perms) -> Perms { a }
    fn grade(a: Level) -> Level { a }
    fn count(c: Counter, n: u32) -> u32 { c.add(n) }
    fn count_lent(c: &Counter, n: u32) -> u32 { c.add(n) }
    fn make_counter(start: u32) -> Counter { if start == 0 { Counter::fresh() } else { Counter::new(start) } }
    fn through(text: String) -> Result<String, String> {
        let n = host::note(&Entry { level: Level::High, text: text.clone(), numbers: vec![1, 2, 3] })?;
        #[cfg(target_os = "wasi")]
        println!("through {text}");
        Ok(format!("{}/{n}", host::shout(&text)))
    }
}
export!(Kit);
