//! An echo server with one task per connection, or one for all datagrams.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket, UnixListener};
use tokio::runtime::Runtime;

const BACKLOG: u32 = 4096;

/// Serves until killed: "tcp", "udp" or "unix:PATH".
pub fn serve(runtime: &Runtime, buffer: usize, transport: &str) -> Result<(), String> {
    let server = match transport {
        "tcp" => runtime.spawn(accept(buffer)),
        "udp" => runtime.spawn(datagrams(buffer)),
        unix => match unix.strip_prefix("unix:") {
            Some(path) => runtime.spawn(accept_unix(path.to_owned(), buffer)),
            None => return Err(format!("no transport {transport}")),
        },
    };
    match runtime.block_on(server) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) => Err(format!("cannot serve: {e}")),
        Err(e) => Err(format!("the server failed: {e}")),
    }
}

async fn accept(buffer: usize) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("TARGET tcp:{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that fails just ends: the load generator checks every reply.
        tokio::spawn(async move {
            if stream.set_nodelay(true).is_ok() {
                drop(echo(stream, buffer).await);
            }
        });
    }
}

async fn accept_unix(path: String, buffer: usize) -> io::Result<()> {
    let listener = UnixListener::bind(&path)?;
    println!("TARGET unix:{path}");
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move { drop(echo(stream, buffer).await) });
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

async fn datagrams(buffer: usize) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("TARGET udp:{}", socket.local_addr()?.port());
    let mut buffer = vec![0; buffer];
    loop {
        let (n, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..n], from).await?;
    }
}
