//! A file as an answer: read piece by piece, as fast as the other side takes it.

use std::{
    fs::File,
    io::{self, Read as _},
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodySize, MessageBody},
    http::header,
    web::Bytes,
};
use tokio::sync::mpsc;

/// How much is read at once, in bytes.
const PIECE_LEN: usize = 64 << 10;
/// How many pieces wait for a slow reader.
const PIECES: usize = 4;

/// `file` from its beginning, to be kept under `name`.
pub(super) fn download(file: File, name: &str) -> io::Result<HttpResponse> {
    let length = file.metadata()?.len();
    let (sender, pieces) = mpsc::channel(PIECES);
    // Ends with the file, or when the other side goes away.
    let _detached = tokio::task::spawn_blocking(move || read(file, &sender));
    Ok(attached(name).body(Pieces { pieces, length }))
}

/// The head of an answer that is kept under `name`, which is plain.
pub(super) fn attached(name: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    answer
}

fn read(mut file: File, sender: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut piece = Vec::new();
        let read = file.by_ref().take(PIECE_LEN as u64).read_to_end(&mut piece);
        let piece = match read {
            Ok(0) => return,
            Ok(_) => Ok(Bytes::from(piece)),
            Err(error) => Err(error),
        };
        let ends = piece.is_err();
        if sender.blocking_send(piece).is_err() || ends {
            return;
        }
    }
}

struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    length: u64,
}

impl MessageBody for Pieces {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        self.pieces.poll_recv(context)
    }
}
