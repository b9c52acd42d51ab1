using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>Messages under way whose end is awaited together. One thread at a time uses it.</summary>
internal sealed unsafe class RequestSet : IDisposable
{
    // MPI counts elements in 32 bits.
    private const long LargestPiece = 1L << 30;

    private readonly MpiCommunicator _communicator;
    private readonly MpiLibrary _library;
    private readonly int _handleBytes;
    private readonly List<int> _sources = [];
    private byte* _requests;
    private int _capacity;
    private int _count;

    /// <param name="communicator">Whose messages they are.</param>
    /// <param name="capacity">For how many there is room at first.</param>
    public RequestSet(MpiCommunicator communicator, int capacity)
    {
        _communicator = communicator;
        _library = communicator.Library;
        _handleBytes = _library.Abi.HandleBytes;
        _capacity = capacity;
        _requests = (byte*)NativeMemory.Alloc((nuint)capacity, (nuint)_handleBytes);
    }

    /// <summary>Starts to send; the memory stays as it is until the set is done.</summary>
    public void Send(byte* from, long bytes, int destination, int tag)
    {
        lock (_communicator.Calls)
        {
            do
            {
                int piece = (int)Math.Min(bytes, LargestPiece);
                _library.Send(from, piece, destination, tag, _communicator.Handle, Next(-1));
                from += piece;
                bytes -= piece;
            }
            while (bytes > 0);
        }
    }

    /// <summary>Starts to receive; the memory belongs to the message until the set is done.</summary>
    public void Receive(byte* to, long bytes, int source, int tag)
    {
        lock (_communicator.Calls)
        {
            do
            {
                int piece = (int)Math.Min(bytes, LargestPiece);
                _library.Receive(to, piece, source, tag, _communicator.Handle, Next(source));
                to += piece;
                bytes -= piece;
            }
            while (bytes > 0);
        }
    }

    /// <summary>Whether all are done; then the set is empty. Makes progress on whatever is under way.</summary>
    public bool TestAll()
    {
        if (_count == 0)
        {
            return true;
        }

        lock (_communicator.Calls)
        {
            if (!_library.TestAll(_requests, _count))
            {
                return false;
            }

            _count = 0;
            _sources.Clear();
            return true;
        }
    }

    /// <summary>The ranks of which something has not come yet.</summary>
    public int[] Awaited()
    {
        lock (_communicator.Calls)
        {
            var ranks = new SortedSet<int>();
            for (int i = 0; i < _count; i++)
            {
                if (_sources[i] >= 0 && !_library.Test(At(i)))
                {
                    ranks.Add(_sources[i]);
                }
            }

            return [.. ranks];
        }
    }

    /// <summary>
    /// Withdraws what has not come. A message that is on its way by now arrives all the same, and what is being sent cannot be withdrawn.
    /// </summary>
    /// <returns>Whether nothing is under way any more. Otherwise the memory of the set's messages, and the set's own, is not to be freed.</returns>
    public bool Abandon()
    {
        lock (_communicator.Calls)
        {
            bool isOver = true;
            for (int i = 0; i < _count; i++)
            {
                if (!_library.Test(At(i)))
                {
                    if (_sources[i] >= 0)
                    {
                        _library.Cancel(At(i));
                    }

                    isOver &= _library.Test(At(i));
                }
            }

            return isOver;
        }
    }

    public void Dispose()
    {
        lock (_communicator.Calls)
        {
            // Who asks later what is awaited is told: nothing.
            _count = 0;
            _sources.Clear();
            NativeMemory.Free(_requests);
            _requests = null;
        }
    }

    private byte* At(int index) => _requests + ((long)index * _handleBytes);

    private byte* Next(int source)
    {
        if (_count == _capacity)
        {
            _capacity *= 2;
            _requests = (byte*)NativeMemory.Realloc(_requests, (nuint)_capacity * (nuint)_handleBytes);
        }

        _sources.Add(source);
        byte* request = At(_count++);

        // A narrow handle leaves the rest of a wide place alone, and the place of one that could not be made is tested with the others.
        if (_handleBytes == sizeof(int))
        {
            *(int*)request = (int)_library.Abi.NoRequest;
        }
        else
        {
            *(nint*)request = _library.Abi.NoRequest;
        }

        return request;
    }
}
