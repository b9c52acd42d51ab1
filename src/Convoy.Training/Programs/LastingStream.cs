namespace Convoy.Training.Programs;

/// <summary>Passes on what is written until nobody can take it any more, and then drops it.</summary>
/// <param name="inner">Where it goes.</param>
/// <param name="isOutput">Whether a result goes there: that there is no room for it, on a full disk say, is an error. An error that cannot be told is none to tell.</param>
internal sealed class LastingStream(Stream inner, bool isOutput) : Stream
{
    // errno, which .NET keeps in HResult: a terminal that was closed, a pipe without a reader.
    private const int InputOutputError = 5, BrokenPipe = 32;

    private volatile bool _isGone;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_isGone)
        {
            return;
        }

        try
        {
            inner.Write(buffer);
        }
        catch (Exception error) when (IsEnd(error))
        {
            _isGone = true;
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // The console's streams keep nothing back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // No permission: the descriptor is closed, or not one to write to.
    private bool IsEnd(Exception error) => error is UnauthorizedAccessException || (error is IOException && (!isOutput || error.HResult is InputOutputError or BrokenPipe));
}
