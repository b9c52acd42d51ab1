using System.Net.Sockets;
using System.Text;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>The lines that come over a connection, a character a byte.</summary>
/// <param name="connection">The connection.</param>
internal sealed class LineReader(Socket connection)
{
    private readonly byte[] _buffer = new byte[PmiSession.MaximumLineBytes];
    private int _length;

    /// <summary>The next line, without its end; null: the other side has closed the connection.</summary>
    /// <exception cref="RendezvousException">A line has no end.</exception>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public string? Read()
    {
        int end;
        while ((end = _buffer.AsSpan(0, _length).IndexOf((byte)'\n')) < 0)
        {
            if (_length == _buffer.Length)
            {
                throw new RendezvousException(FormattableString.Invariant(
                    $"the MPI library asked its process manager in a line of more than {_buffer.Length} bytes, which PMI-1 does not have. Use an MPICH of series 3 or 4, or start the program with the library's own mpirun."));
            }

            int received = connection.Receive(_buffer.AsSpan(_length), SocketFlags.None);
            if (received == 0)
            {
                return null;
            }

            _length += received;
        }

        string line = Encoding.Latin1.GetString(_buffer, 0, end);
        _length -= end + 1;
        Buffer.BlockCopy(_buffer, end + 1, _buffer, 0, _length);
        return line;
    }
}
