//! A whole body, of a request or an answer: its texts are judged one by one, changes are spans.
//!
//! It never rewrites what no rule touched, and never lets a body pass that it could not read to its end.

use super::{
    RuleSet,
    carriers::{self, Carrier, Tokens},
    mask::Vault,
    pairs,
    screen::{Failure, Masks, Report, Screen},
    text::{Form, Text},
    tree::Tree,
};
use crate::{dialect::splice::Edit, domain::Direction};

/// What a check of a whole body comes to.
#[derive(Debug, Default)]
pub struct Checked {
    /// What must change, for [`crate::dialect::splice::splice`].
    pub edits: Vec<Edit>,
    /// What was found.
    pub report: Report,
}

/// Checks a request's JSON body. What is masked goes into `vault`.
///
/// # Errors
/// When the body is no JSON, could be understood in two ways, or takes too long.
pub fn check_request(rules: &RuleSet, body: &[u8], vault: &mut Vault) -> Result<Checked, Failure> {
    check(rules, Direction::Request, Masks::Hide(vault), body)
}

/// Checks an answer's JSON body. What the vault knows is restored.
///
/// # Errors
/// As [`check_request`].
pub fn check_answer(rules: &RuleSet, body: &[u8], vault: &Vault) -> Result<Checked, Failure> {
    check(rules, Direction::Response, Masks::Restore(vault), body)
}

fn check(rules: &RuleSet, direction: Direction, masks: Masks<'_>, body: &[u8]) -> Result<Checked, Failure> {
    let mut checked = Checked::default();
    let tree = Tree::read(body)?;
    let mut screen = Screen::new(rules, direction, masks, &mut checked.report);
    let mut result = Ok(());
    carriers::each(&tree, &mut |carrier| {
        if result.is_ok() {
            result = whole(&mut screen, &tree, &carrier, 0, &mut |_, edit| checked.edits.push(edit));
        }
    });
    result.map(|()| checked)
}

/// Judges one text that is whole in its document.
pub(crate) fn whole(
    screen: &mut Screen<'_>,
    tree: &Tree<'_>,
    carrier: &Carrier,
    event: u64,
    edit: &mut impl FnMut(u64, Edit),
) -> Result<(), Failure> {
    let raw = tree.slice(carrier.span.clone());
    let place = || carriers::place(tree, carrier.node);
    match carrier.form {
        Form::Base64 => {
            if let Some(changed) =
                pairs::judged_base64(screen, raw, carriers::is_text_file(tree, carrier.node), &place)?
            {
                edit(event, Edit { span: carrier.span.clone(), with: changed.into_bytes() });
            }
            return screen.in_time();
        }
        Form::Tokens => {
            let tokens = carriers::tokens(tree, carrier.node);
            let said = pairs::judged(screen, &tokens.chosen.concat(), &place)?;
            if said.is_some() | are_others_changed(screen, &tokens, &place)? {
                edit(event, Edit { span: carrier.span.clone(), with: tokens.instead.into() });
            }
            return screen.in_time();
        }
        Form::Quoted | Form::Value | Form::Bare => {}
    }
    // Without escapes the text is what its bytes are: most texts end here.
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() && screen.is_clean(raw)? {
        return screen.in_time();
    }
    let mut text = Text::new(carrier.form);
    text.push(raw, event, carrier.span.start);
    screen.judge(&mut text, true, &place, edit)
}

/// Whether one of the words that might have come instead may not leave.
pub(crate) fn are_others_changed(
    screen: &mut Screen<'_>,
    tokens: &Tokens,
    place: &dyn Fn() -> String,
) -> Result<bool, Failure> {
    let mut is_changed = false;
    for other in &tokens.others {
        is_changed |= pairs::judged(screen, other, place)?.is_some();
    }
    Ok(is_changed)
}

pub(crate) fn bare(
    rules: &RuleSet,
    direction: Direction,
    masks: Masks<'_>,
    raw: &str,
    place: &str,
) -> Result<Checked, Failure> {
    let mut checked = Checked::default();
    let mut screen = Screen::new(rules, direction, masks, &mut checked.report);
    let mut text = Text::new(Form::Bare);
    text.push(raw, 0, 0);
    screen.judge(&mut text, true, &|| place.to_owned(), &mut |_, edit| checked.edits.push(edit))?;
    Ok(checked)
}
