//! The files that a program is made of: where they are in its memory, their functions, and how their frames are unwound.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use framehop::{ExplicitModuleSectionInfo, Module};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

/// Sections, shared by all runs of the program.
pub type Bytes = Arc<[u8]>;

/// An executable file: its functions and tables.
pub struct Image {
    /// The address in the file that its first segment is at; that of everything else is relative to it.
    base: u64,
    sections: ExplicitModuleSectionInfo<Bytes>,
    /// Start, end, name; sorted by start.
    functions: Vec<(u64, u64, String)>,
}

/// The files that were read so far.
#[derive(Default)]
pub struct Images {
    read: HashMap<PathBuf, Option<Arc<Image>>>,
}

/// A file in the memory of a program.
pub struct Mapped {
    pub range: Range<u64>,
    /// The file's own name, for functions that it does not tell.
    pub name: String,
    /// Where the file's first segment is.
    base: u64,
    image: Arc<Image>,
}

/// The executable memory of a program.
#[derive(Default)]
pub struct Memory {
    pub files: Vec<Mapped>,
    /// Executable memory of no file: code that was made at run time.
    pub anonymous: Vec<Range<u64>>,
}

impl Images {
    fn get(&mut self, path: &Path) -> Option<Arc<Image>> {
        if let Some(image) = self.read.get(path) {
            return image.clone();
        }
        let image = read(path).map(Arc::new);
        self.read.insert(path.to_owned(), image.clone());
        image
    }

    /// What is executable in the memory of a process, by its `/proc/PID/maps`.
    pub fn memory(&mut self, maps: &str) -> Memory {
        let mut memory = Memory::default();
        // Where each file begins: its mappings follow each other.
        let mut begins: HashMap<&str, u64> = HashMap::new();
        for line in maps.lines() {
            // ADDRESSES PERMISSIONS OFFSET DEVICE INODE [PATH]
            let mut words = line.split_ascii_whitespace();
            let (Some(addresses), Some(permissions), Some(offset)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let path = words.nth(2).unwrap_or_default();
            let Some(range) = range(addresses) else {
                continue;
            };
            if offset.bytes().all(|digit| digit == b'0') {
                begins.insert(path, range.start);
            }
            if !permissions.contains('x') {
                continue;
            }
            if path.is_empty() {
                memory.anonymous.push(range);
            } else if let (Some(base), Some(image)) =
                (begins.get(path).copied(), self.get(Path::new(path)))
            {
                let name = Path::new(path).file_name().unwrap_or_default();
                memory.files.push(Mapped {
                    range,
                    name: name.to_string_lossy().into_owned(),
                    base,
                    image,
                });
            }
        }
        memory
    }
}

fn range(addresses: &str) -> Option<Range<u64>> {
    let (start, end) = addresses.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

impl Memory {
    /// The file that has this address.
    pub fn file(&self, address: u64) -> Option<&Mapped> {
        self.files.iter().find(|file| file.range.contains(&address))
    }

    /// Whether there is code that was made at run time.
    pub fn is_made_at_run_time(&self, address: u64) -> bool {
        self.anonymous.iter().any(|range| range.contains(&address))
    }
}

impl Mapped {
    /// The name of the function that has this address.
    pub fn function(&self, address: u64) -> Option<&str> {
        let address = address
            .checked_sub(self.base)?
            .checked_add(self.image.base)?;
        let functions = &self.image.functions;
        let after = functions.partition_point(|(start, ..)| *start <= address);
        let (_, end, name) = functions.get(after.checked_sub(1)?)?;
        (address < *end).then_some(name.as_str())
    }

    /// The file, for the unwinder.
    pub fn module(&self) -> Module<Bytes> {
        let ExplicitModuleSectionInfo {
            base_svma,
            text_svma,
            text,
            eh_frame_svma,
            eh_frame,
            eh_frame_hdr_svma,
            eh_frame_hdr,
            got_svma,
            ..
        } = &self.image.sections;
        let sections = ExplicitModuleSectionInfo {
            base_svma: *base_svma,
            text_svma: text_svma.clone(),
            text: text.clone(),
            eh_frame_svma: eh_frame_svma.clone(),
            eh_frame: eh_frame.clone(),
            eh_frame_hdr_svma: eh_frame_hdr_svma.clone(),
            eh_frame_hdr: eh_frame_hdr.clone(),
            got_svma: got_svma.clone(),
            ..ExplicitModuleSectionInfo::default()
        };
        Module::new(String::new(), self.range.clone(), self.base, sections)
    }
}

fn read(path: &Path) -> Option<Image> {
    let file = File::open(path).ok()?;
    // SAFETY: the file belongs to a program that runs, so that nobody writes to it; were it made shorter all the same, this
    // process, which only draws pictures, would end.
    let data = unsafe { memmap2::Mmap::map(&file) }.ok()?;
    let file = object::File::parse(&*data).ok()?;
    let base = file.segments().map(|segment| segment.address()).min()? & !0xfff;
    let section = |name: &str| {
        let section = file.section_by_name(name)?;
        let range = section.address()..section.address().checked_add(section.size())?;
        let bytes: Option<Bytes> = section.data().ok().map(Bytes::from);
        Some((range, bytes?))
    };
    let (text_svma, text) = section(".text").unzip();
    let (eh_frame_svma, eh_frame) = section(".eh_frame").unzip();
    let (eh_frame_hdr_svma, eh_frame_hdr) = section(".eh_frame_hdr").unzip();
    let sections = ExplicitModuleSectionInfo {
        base_svma: base,
        text_svma,
        text,
        eh_frame_svma,
        eh_frame,
        eh_frame_hdr_svma,
        eh_frame_hdr,
        got_svma: section(".got").map(|(range, _)| range),
        ..ExplicitModuleSectionInfo::default()
    };
    let mut functions: Vec<_> = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| !name.is_empty())?;
            let name = format!("{:#}", rustc_demangle::demangle(name));
            Some((symbol.address(), symbol.size(), name))
        })
        .collect();
    functions.sort();
    functions.dedup_by(|later, earlier| later.0 == earlier.0);
    let nexts: Vec<u64> = functions.iter().skip(1).map(|(start, ..)| *start).collect();
    let nexts = nexts.into_iter().chain([u64::MAX]);
    let functions = functions
        .into_iter()
        .zip(nexts)
        // What is written in assembly has no length: it goes on to the next.
        .map(|((start, size, name), next)| match size {
            0 => (start, next, name),
            size => (start, start.saturating_add(size), name),
        })
        .collect();
    Some(Image {
        base,
        sections,
        functions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn a_function_to_be_found() -> u64 {
        std::hint::black_box(a_function_to_be_found as *const () as u64)
    }

    #[test]
    fn this_very_function_is_found_in_the_memory_of_this_process() {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("this is Linux");
        let memory = Images::default().memory(&maps);
        let address = a_function_to_be_found();
        let name = memory.file(address).and_then(|file| file.function(address));
        assert_eq!(
            name,
            Some("chipmunk_profile::host_modules::tests::a_function_to_be_found")
        );
        assert!(!memory.is_made_at_run_time(address));
        assert!(memory.file(0).is_none());
    }
}
