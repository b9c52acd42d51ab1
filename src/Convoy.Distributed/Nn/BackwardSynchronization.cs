namespace Convoy.Distributed.Nn;

/// <summary>
/// Which backward passes average: as in PyTorch, where the forward pass ran decides. One outside of NoSync makes the next backward synchronize, whatever ran in between. Unlike in PyTorch a second backward
/// of it synchronizes, too, instead of leaving each rank its own sum.
/// </summary>
internal sealed class BackwardSynchronization
{
    private int _scopes;
    private bool? _lastForward;
    private bool _isAwaited;

    /// <summary>Whether a forward pass that begins now is to be followed by a backward that averages.</summary>
    public bool IsOn => _scopes == 0;

    /// <summary>Whether a backward pass that begins now averages; before any forward pass, by where it runs itself.</summary>
    public bool IsDue => _isAwaited || (_lastForward ?? IsOn);

    /// <summary>A forward pass begins that records a graph.</summary>
    public void ForwardBegins()
    {
        _lastForward = IsOn;
        _isAwaited |= IsOn;
    }

    /// <summary>A backward pass has averaged.</summary>
    public void Averaged() => _isAwaited = false;

    /// <summary>Off until the result is disposed.</summary>
    public IDisposable Suspend() => new Suspension(this);

    private sealed class Suspension : IDisposable
    {
        private BackwardSynchronization? _owner;

        public Suspension(BackwardSynchronization owner)
        {
            _owner = owner;
            owner._scopes++;
        }

        public void Dispose()
        {
            if (_owner is not null)
            {
                _owner._scopes--;
                _owner = null;
            }
        }
    }
}
