namespace Convoy.Distributed.Launch;

/// <summary>Why the workers of all machines are ended.</summary>
internal enum StopReason
{
    /// <summary>A worker failed, or could not be started.</summary>
    Failure,

    /// <summary>Somebody asked for it, by Ctrl-C or a signal.</summary>
    Interrupt,
}
