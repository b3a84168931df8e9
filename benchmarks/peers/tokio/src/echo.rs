//! An echo server with one task per connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

const BACKLOG: u32 = 4096;

/// Serves until killed.
pub fn serve(runtime: &Runtime, buffer: usize) -> Result<(), String> {
    let acceptor = runtime.spawn(accept(buffer));
    match runtime.block_on(acceptor) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) => Err(format!("cannot accept: {e}")),
        Err(e) => Err(format!("the acceptor failed: {e}")),
    }
}

async fn accept(buffer: usize) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("PORT {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        // A connection that fails just ends: the load generator checks every reply.
        tokio::spawn(async move { drop(echo(stream, buffer).await) });
    }
}

async fn echo(mut stream: TcpStream, buffer: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; buffer];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}
