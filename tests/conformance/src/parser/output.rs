//! Each output that is offered works, none that is not, and the items do not depend on which is asked for.

use std::collections::BTreeMap;

use chipmunk_plugins::{Output, contract::ApiVersion};

use super::Context;
use super::drive::{Plan, Run};
use super::items::{Difference, Found};
use crate::report::{Bad, Verdict, bad, failed, passed};
use crate::subject::{OUTPUTS, in_one_line, is_refusal, why};

/// Bytes of input.
const BYTES: usize = 16 << 10;

/// A parser that answers nothing.
pub(super) fn none_offered() -> Verdict {
    failed(
        "it offers none of `ranges`, `line`, `columns`: there is nothing to ask of it",
        "have `get-capabilities` name what `init` takes",
    )
}

pub(super) fn check(context: &Context<'_>) -> Verdict {
    const REMEDY: &str = "write for each message no cell for `ranges`, one for `line`, and for `columns` one for each column of the render options";
    const SAME: &str = "find the same messages whatever is asked for: the output only says what is written of them";
    headings(context)?;
    if context.subject.factory.description().api == ApiVersion::V0_1 {
        return unasked(context);
    }
    let mut told = Vec::new();
    let mut first: Option<(&str, Run)> = None;
    for (output, name) in OUTPUTS {
        if !context.subject.told.can(name) {
            refuses(context, output, name)?;
            continue;
        }
        let mut instance = context
            .instance(output, context.subject.max_archive_bytes())
            .map_err(|error| bad(format!("output `{name}`: {}", why(&error)), REMEDY))?;
        let part = context.main.prefix(BYTES);
        let run = instance
            .run(&part.bytes, &Plan::WHOLE)
            .map_err(|wrong| bad(format!("output `{name}`: {wrong}"), super::rough::REMEDY))?;
        cells(context, output, name, &run, REMEDY)?;
        attachments(context, &run)?;
        if let Some((before, other)) = &first {
            let difference = Difference::of(&other.items, &run.items, Found::lies_as);
            if let Some(difference) = difference {
                return failed(
                    difference.tell(&format!("as `{before}`"), &format!("as `{name}`")),
                    SAME,
                );
            }
        } else {
            first = Some((name, run));
        }
        told.push(format!("`{name}`"));
    }
    let refused: Vec<String> = OUTPUTS
        .iter()
        .filter(|(_, name)| !context.subject.told.can(name))
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    let others = if refused.is_empty() {
        String::new()
    } else {
        format!(", and refuses {}", refused.join(", "))
    };
    passed(format!("gives {} as declared{others}", told.join(", ")))
}

/// A parser of API 0.1.0 is not asked for an output: it decides for each message whether it gives a line or columns.
fn unasked(context: &Context<'_>) -> Verdict {
    const REMEDY: &str =
        "give each message as one line, or in as many columns as the render options have";
    let mut instance = context
        .instance(context.output, context.subject.max_archive_bytes())
        .map_err(|error| bad(why(&error), REMEDY))?;
    let part = context.main.prefix(BYTES);
    let run = instance
        .run(&part.bytes, &Plan::WHOLE)
        .map_err(|wrong| bad(wrong.to_string(), super::rough::REMEDY))?;
    let columns = Columns::of(context);
    for item in run.items.iter().filter(|item| item.kind.has_message()) {
        let count = item.cells.len();
        if count != 1 && !columns.fit(count) {
            let captions = columns.count;
            return failed(
                format!("{item} has {count} cells, and 1 or {captions} are right"),
                REMEDY,
            );
        }
    }
    passed("each message is one line, or in its columns".to_owned())
}

/// The columns of the render options.
struct Columns {
    count: usize,
    /// A last column of width -1 is the rest of the line, in as many pieces as it has.
    open: bool,
}

impl Columns {
    fn of(context: &Context<'_>) -> Self {
        let options = context.subject.told.render_options.as_ref();
        let columns = options
            .and_then(|options| options.columns_options.as_ref())
            .map(|options| options.columns.as_slice())
            .unwrap_or_default();
        Self {
            count: columns.len(),
            open: columns.last().is_some_and(|column| column.width == -1),
        }
    }

    /// Whether a message may have so many cells.
    fn fit(&self, cells: usize) -> bool {
        cells == self.count || self.open && cells > self.count
    }
}

/// Render options are there if, and only if, there are columns.
fn headings(context: &Context<'_>) -> Result<(), Bad> {
    const REMEDY: &str = "let `get-render-options` have `columns-options`, with a caption for each column, if `get-capabilities` has `columns`, and \
         leave it out if not";
    let told = &context.subject.told;
    let columns = told
        .render_options
        .as_ref()
        .and_then(|options| options.columns_options.as_ref());
    match columns {
        None if told.can("columns") => Err(bad(
            "it declares `columns`, and its render options have none",
            REMEDY,
        )),
        Some(_) if !told.can("columns") => Err(bad(
            "its render options have columns, and it does not declare `columns`",
            REMEDY,
        )),
        Some(options) if options.columns.is_empty() => {
            Err(bad("its render options have a list of no columns", REMEDY))
        }
        Some(options) if options.min_width > options.max_width => Err(bad(
            format!(
                "the least width of a column, {}, is more than the greatest, {}",
                options.min_width, options.max_width
            ),
            REMEDY,
        )),
        _ => Ok(()),
    }
}

/// How many cells messages have.
fn cells(
    context: &Context<'_>,
    output: Output,
    name: &str,
    run: &Run,
    remedy: &'static str,
) -> Result<(), Bad> {
    let columns = Columns::of(context);
    let right = |count: usize| match output {
        Output::Ranges => count == 0,
        Output::Line => count == 1,
        Output::Columns => columns.fit(count),
    };
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for item in run.items.iter().filter(|item| item.kind.has_message()) {
        *counts.entry(item.cells.len()).or_default() += 1;
        if !right(item.cells.len()) {
            let wanted = match output {
                Output::Ranges => 0,
                Output::Line => 1,
                Output::Columns => columns.count,
            };
            return Err(bad(
                format!(
                    "output `{name}`: {item} has {} cells, and {wanted} are right",
                    item.cells.len()
                ),
                remedy,
            ));
        }
    }
    Ok(())
}

fn attachments(context: &Context<'_>, run: &Run) -> Result<(), Bad> {
    if context.subject.told.can("attachments") {
        return Ok(());
    }
    match run.items.iter().find(|item| item.kind.has_attachment()) {
        None => Ok(()),
        Some(item) => Err(bad(
            format!("{item}, and it does not declare `attachments`"),
            "have `get-capabilities` name `attachments`",
        )),
    }
}

/// An output that is not offered is refused, in words.
fn refuses(context: &Context<'_>, output: Output, name: &str) -> Result<(), Bad> {
    const REMEDY: &str =
        "return `init-error.unsupported` for an output that `get-capabilities` does not name";
    let subject = context.subject;
    let mut session = subject
        .start(&context.configuration.grants)
        .map_err(|error| bad(why(&error), REMEDY))?;
    let max = subject.max_archive_bytes();
    match subject.init(&mut session, &context.configuration.items, output, max) {
        Err(fault) if is_refusal(&fault) => Ok(()),
        Err(fault) => Err(bad(
            format!(
                "it does not offer `{name}`, and asked for it: {}",
                in_one_line(&fault)
            ),
            REMEDY,
        )),
        Ok(()) => Err(bad(
            format!("it does not offer `{name}`, and `init` takes it"),
            REMEDY,
        )),
    }
}
