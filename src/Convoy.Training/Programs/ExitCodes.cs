namespace Convoy.Training.Programs;

/// <summary>What the program's exit code says.</summary>
public static class ExitCodes
{
    /// <summary>The work is done.</summary>
    public const int Done = 0;

    /// <summary>The run failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the input was wrong; nothing was changed.</summary>
    public const int BadUsage = 2;

    /// <summary>The work is done, but some inputs could not be used; they are listed at the end.</summary>
    public const int SomeInputsUnusable = 3;

    /// <summary>The terminal was closed (SIGHUP) and so ended the run.</summary>
    public const int HungUp = 129;

    /// <summary>Ctrl-C or SIGTERM ended the run. A process that another one of this program started says which: 128 and the signal's number.</summary>
    public const int Interrupted = 130;
}
