//! Reads an archive that this very plugin has made, by `wit/PAYLOAD.md`: nothing in it needs a check, and a slip is a panic.

/// The arrays that matter here.
pub struct Archive<'a> {
    text: &'a str,
    cells: &'a [[u8; 4]],
    items: &'a [[u8; 20]],
}

/// One item.
pub struct Item<'a, I: Iterator<Item = &'a str>> {
    pub is_message: bool,
    pub consumed: u64,
    pub cells: I,
}

const ROOT: usize = 72;

fn number(bytes: &[u8]) -> usize {
    bytes
        .first_chunk()
        .map_or(0, |number| u32::from_le_bytes(*number) as usize)
}

impl<'a> Archive<'a> {
    pub fn new(archive: &'a [u8]) -> Self {
        let root = archive.len() - ROOT;
        let array = |entry: usize, size: usize| {
            let at = root + 8 * entry;
            let start = at.wrapping_add_signed(number(&archive[at..]) as i32 as isize);
            &archive[start..start + size * number(&archive[at + 4..])]
        };
        Self {
            text: std::str::from_utf8(array(0, 1)).expect("text is text"),
            cells: array(1, 4).as_chunks().0,
            items: array(2, 20).as_chunks().0,
        }
    }

    pub fn items(&self) -> impl Iterator<Item = Item<'a, impl Iterator<Item = &'a str>>> {
        let Self { text, cells, items } = *self;
        let (mut first, mut start) = (0, 0);
        items.iter().map(move |item| {
            let cells = &cells[first..number(&item[12..])];
            first += cells.len();
            let mut from = start;
            if let Some(last) = cells.last() {
                start = number(last);
            }
            Item {
                is_message: item[16] == 0,
                consumed: number(item) as u64,
                cells: cells.iter().map(move |end| {
                    let end = number(end);
                    &text[std::mem::replace(&mut from, end)..end]
                }),
            }
        })
    }
}
