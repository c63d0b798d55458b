//! Pictures as answers, so many at a time.

use anyhow::Result;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

/// So many pictures are read at a time.
const READ_AT_A_TIME: usize = 8;

/// Whose turn it is to read a picture: each takes a thread and the memory of a picture.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(READ_AT_A_TIME))
    }

    /// A picture as an answer, or that there is none.
    pub(crate) async fn png<E>(
        &self,
        read: impl Future<Output = Result<Option<Vec<u8>>, E>>,
    ) -> Response {
        let _turn = self.0.acquire().await;
        match read.await {
            Ok(Some(bytes)) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
            Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
        }
    }
}
