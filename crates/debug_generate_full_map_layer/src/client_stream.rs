//! The stream to one client, which fails when the client takes nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// So long a client may take nothing of its answer.
const TAKES_WITHIN: Duration = Duration::from_secs(30);

/// What the system holds of an answer that is on its way. It tells of room only when a good part
/// of that has been taken, so with megabytes a slow client would look like one that takes nothing.
const ON_ITS_WAY_BYTES: usize = 128 << 10;

/// The stream to a client.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    /// Until when the client has to take something, while the system holds as much as it can.
    patience: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(crate) fn over(stream: TcpStream) -> Self {
        // Where it is refused there is more on its way, and that is all.
        let _ = set_socket_send_buffer_size(&stream, ON_ITS_WAY_BYTES);
        Self {
            stream,
            patience: None,
        }
    }

    fn patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep(TAKES_WITHIN)));
        match patience.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    /// Both ends of a connection: the client's, and the server's.
    async fn connection() -> (TcpStream, ClientStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (server, _) = listener.accept().await.unwrap();
        (client.unwrap(), ClientStream::over(server))
    }

    // The clock of these tests goes ahead when all wait.

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, mut server) = connection().await;
        let began = Instant::now();
        let error = server.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= TAKES_WITHIN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_is_not_given_up() {
        let (mut client, mut server) = connection().await;
        let bytes = vec![0; 16 << 20];
        let began = Instant::now();
        let take_slowly = async {
            let mut taken = vec![0; 256 << 10];
            for _ in 0..bytes.len() / taken.len() {
                sleep(TAKES_WITHIN / 3).await;
                client.read_exact(&mut taken).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&bytes), take_slowly);
        written.unwrap();
        assert!(began.elapsed() > 10 * TAKES_WITHIN);
    }
}
