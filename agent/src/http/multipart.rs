//! Files from a form (`multipart/form-data`, RFC 7578), as browsers send them and no other way: read piece
//! by piece, whatever the pieces are, with nothing of a file in memory but the piece at hand.

/// Longest head of a part, in bytes.
const HEAD_LEN_MAX: usize = 4096;
/// Most parts of one form.
const PARTS_MAX: u8 = 8;
/// Longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_LEN_MAX: usize = 70;

/// A form is not one that a browser of ours sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultipartError {
    /// The media type, or its boundary.
    #[error("the form has no boundary")]
    Boundary,
    /// What stands between the parts.
    #[error("the parts of the form are not well separated")]
    Delimiter,
    /// The head of a part.
    #[error("the head of a part is not well formed")]
    Head,
    /// More parts than any form of ours has.
    #[error("the form has too many parts")]
    Parts,
    /// It ends in the middle.
    #[error("the form was cut")]
    Cut,
}

/// What comes out of a form, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A part begins; its name.
    Begin(&'a str),
    /// More of its content.
    Data(&'a [u8]),
    /// It ends.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first delimiter is to come.
    Start,
    /// Behind a delimiter: one more part, or the end.
    Delimited,
    /// In the head of a part.
    Head,
    /// In its content.
    Body,
    /// Behind the last delimiter.
    End,
}

/// A form as it comes in.
#[derive(Debug)]
pub(super) struct Multipart {
    /// `\r\n--` and the boundary.
    delimiter: Vec<u8>,
    /// What came and was not understood yet: less than a head, or less than a delimiter.
    held: Vec<u8>,
    state: State,
    parts: u8,
}

impl Multipart {
    /// A form with the boundary that its media type names.
    pub(super) fn new(content_type: &str) -> Result<Self, MultipartError> {
        let boundary = boundary(content_type).ok_or(MultipartError::Boundary)?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first delimiter begins the form, without the line end that the others have.
        Ok(Self { delimiter, held: b"\r\n".to_vec(), state: State::Start, parts: 0 })
    }

    /// Takes what came; `take` hears what is in it.
    pub(super) fn push<E: From<MultipartError>>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.held.extend_from_slice(bytes);
        while self.step(take)? {}
        Ok(())
    }

    /// That was all.
    pub(super) fn finish(self) -> Result<(), MultipartError> {
        if self.state == State::End { Ok(()) } else { Err(MultipartError::Cut) }
    }

    /// One step; false when more has to come first.
    fn step<E: From<MultipartError>>(
        &mut self,
        take: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        match self.state {
            State::Start => {
                let Some(start) = self.held.get(..self.delimiter.len()) else { return Ok(false) };
                if start != self.delimiter {
                    return Err(MultipartError::Delimiter.into());
                }
                self.advance(self.delimiter.len(), State::Delimited);
            }
            State::Delimited => match self.held.get(..2) {
                None => return Ok(false),
                Some(b"\r\n") => self.advance(2, State::Head),
                Some(b"--") => self.advance(2, State::End),
                Some(_) => return Err(MultipartError::Delimiter.into()),
            },
            State::Head => {
                let Some(end) = find(&self.held, b"\r\n\r\n") else {
                    let too_long = self.held.len() > HEAD_LEN_MAX;
                    return if too_long { Err(MultipartError::Head.into()) } else { Ok(false) };
                };
                self.parts = self.parts.saturating_add(1);
                if self.parts > PARTS_MAX {
                    return Err(MultipartError::Parts.into());
                }
                let head = self.held.get(..end).filter(|head| head.len() <= HEAD_LEN_MAX);
                take(Piece::Begin(head.and_then(name).ok_or(MultipartError::Head)?))?;
                self.advance(end.saturating_add(4), State::Body);
            }
            State::Body => {
                if let Some(end) = find(&self.held, &self.delimiter) {
                    data(self.held.get(..end), take)?;
                    take(Piece::End)?;
                    self.advance(end.saturating_add(self.delimiter.len()), State::Delimited);
                } else {
                    // The beginning of a delimiter may stand at the end.
                    let kept = self.delimiter.len().saturating_sub(1);
                    let sure = self.held.len().saturating_sub(kept);
                    data(self.held.get(..sure), take)?;
                    self.advance(sure, State::Body);
                    return Ok(false);
                }
            }
            // Browsers end the form with a line end, and nothing behind it.
            State::End => {
                return if b"\r\n".starts_with(&self.held) {
                    Ok(false)
                } else {
                    Err(MultipartError::Delimiter.into())
                };
            }
        }
        Ok(true)
    }

    fn advance(&mut self, by: usize, state: State) {
        self.held.drain(..by.min(self.held.len()));
        self.state = state;
    }
}

fn data<E>(
    bytes: Option<&[u8]>,
    take: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match bytes {
        Some(bytes) if !bytes.is_empty() => take(Piece::Data(bytes)),
        Some(_) | None => Ok(()),
    }
}

/// Where `what`, which begins with a carriage return, stands first.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let rest = bytes.get(from..)?;
        let at = rest.iter().position(|byte| *byte == b'\r')?;
        if rest.get(at..).is_some_and(|rest| rest.starts_with(what)) {
            return from.checked_add(at);
        }
        from = from.checked_add(at)?.checked_add(1)?;
    }
}

/// The boundary that a media type names.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameter) = content_type.split_once(';')?;
    let (key, value) = parameter.trim().split_once('=')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data")
        || !key.eq_ignore_ascii_case("boundary")
    {
        return None;
    }
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let well = (1..=BOUNDARY_LEN_MAX).contains(&bare.len()) && bare.bytes().all(plain);
    well.then_some(bare)
}

/// The name of the part with this head.
fn name(head: &[u8]) -> Option<&str> {
    let mut name = None;
    for line in std::str::from_utf8(head).ok()?.split("\r\n") {
        let (key, value) = line.split_once(':')?;
        if key.eq_ignore_ascii_case("content-disposition") {
            let rest = value.trim().strip_prefix("form-data; name=\"")?;
            let (found, rest) = rest.split_once('"')?;
            let plain = found.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            // Behind it stands what the file is called where it comes from, which is nobody's business.
            if name.is_some()
                || found.is_empty()
                || !plain
                || !(rest.is_empty() || rest.starts_with("; filename"))
            {
                return None;
            }
            name = Some(found);
        } else if !key.eq_ignore_ascii_case("content-type") {
            return None;
        }
    }
    name
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=----WebKitFormBoundaryX7";

    type Parts = Vec<(String, Vec<u8>)>;

    /// The parts of a form that comes in such pieces.
    fn parts(content_type: &str, pieces: &[&[u8]]) -> Result<Parts, MultipartError> {
        let mut form = Multipart::new(content_type)?;
        let mut found: Parts = Vec::new();
        let mut open = false;
        for piece in pieces {
            form.push(piece, &mut |piece| {
                match piece {
                    Piece::Begin(name) => {
                        assert!(!std::mem::replace(&mut open, true));
                        found.push((name.to_owned(), Vec::new()));
                    }
                    Piece::Data(bytes) => found.last_mut().unwrap().1.extend_from_slice(bytes),
                    Piece::End => assert!(std::mem::replace(&mut open, false)),
                }
                Ok::<_, MultipartError>(())
            })?;
        }
        form.finish()?;
        Ok(found)
    }

    fn form(contents: &[(&str, &[u8])]) -> Vec<u8> {
        let mut form = Vec::new();
        for (name, content) in contents {
            let head = format!(
                "------WebKitFormBoundaryX7\r\nContent-Disposition: form-data; name=\"{name}\"; \
                 filename=\"b.age\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            form.extend_from_slice(head.as_bytes());
            form.extend_from_slice(content);
            form.extend_from_slice(b"\r\n");
        }
        form.extend_from_slice(b"------WebKitFormBoundaryX7--\r\n");
        form
    }

    #[test]
    fn what_a_browser_sends_is_read() {
        let content = b"age\r\n------WebKitFormBoundaryX\r\n--\r";
        let sent = form(&[("backup", content), ("slots", b"")]);
        let found = parts(TYPE, &[&sent]).unwrap();
        assert_eq!(found, [("backup".into(), content.to_vec()), ("slots".into(), Vec::new())]);
        let quoted = "Multipart/Form-Data; boundary=\"----WebKitFormBoundaryX7\"";
        assert_eq!(parts(quoted, &[&sent]).unwrap().len(), 2);
    }

    #[test]
    fn another_form_is_refused() {
        let good = String::from_utf8(form(&[("backup", b"x")])).unwrap();
        let changed = |from: &str, to: &str| good.replacen(from, to, 1);
        for (sent, error) in [
            (String::new(), MultipartError::Cut),
            (format!("preamble\r\n{good}"), MultipartError::Delimiter),
            (format!("{good}epilogue"), MultipartError::Delimiter),
            (changed("X7\r\nC", "X7 \r\nC"), MultipartError::Delimiter),
            (changed("form-data", "attachment"), MultipartError::Head),
            (changed("\"backup\"", "\"../x\""), MultipartError::Head),
            (changed("\"backup\"", "\"\""), MultipartError::Head),
            (changed("Content-Type", "Content-Transfer-Encoding"), MultipartError::Head),
            (changed("; filename", "; name"), MultipartError::Head),
            (changed("b.age", &"b".repeat(5000)), MultipartError::Head),
        ] {
            assert_eq!(parts(TYPE, &[sent.as_bytes()]), Err(error), "{sent}");
        }
        let many = form(&[("backup", b"x".as_slice()); 9]);
        assert_eq!(parts(TYPE, &[&many]), Err(MultipartError::Parts));
        for content_type in [
            "",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=x",
            "multipart/form-data; boundary=a b",
            "multipart/form-data; boundary=x; more=y",
        ] {
            assert_eq!(parts(content_type, &[]), Err(MultipartError::Boundary), "{content_type}");
        }
    }

    #[test]
    fn what_is_cut_is_not_whole() {
        let sent = form(&[("backup", b"some content"), ("slots", b"{}")]);
        for end in 0..sent.len() - 2 {
            assert_eq!(parts(TYPE, &[&sent[..end]]), Err(MultipartError::Cut), "{end}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_the_same_however_it_comes(
            contents in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), any::<u8>()], 0..200),
                0..4,
            ),
            size in 1_usize..80,
        ) {
            let named: Vec<(&str, &[u8])> =
                contents.iter().map(|content| ("backup", content.as_slice())).collect();
            if !named.is_empty() {
                let sent = form(&named);
                let whole = parts(TYPE, &[&sent]);
                let pieces: Vec<&[u8]> = sent.chunks(size).collect();
                prop_assert_eq!(&parts(TYPE, &pieces), &whole);
                let found: Vec<Vec<u8>> = whole.unwrap().into_iter().map(|(_, found)| found).collect();
                prop_assert_eq!(found, contents);
            }
        }

        #[test]
        fn nothing_makes_it_panic_or_hold_much(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            size in 1_usize..300,
        ) {
            let mut form = Multipart::new(TYPE).unwrap();
            let start = b"------WebKitFormBoundaryX7\r\nContent-Disposition: form-data; name=\"backup\"\r\n\r\n";
            for piece in std::iter::once(start.as_slice()).chain(bytes.chunks(size)) {
                let pushed = form.push(piece, &mut |_| Ok::<_, MultipartError>(()));
                prop_assert!(form.held.len() <= HEAD_LEN_MAX + piece.len());
                if pushed.is_err() {
                    break;
                }
            }
        }
    }
}
