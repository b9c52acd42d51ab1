namespace Convoy.Analysis.Reading.Tables;

/// <summary>What a column of a table holds.</summary>
internal enum ColumnKind
{
    /// <summary>Nothing that the name tells.</summary>
    Unknown,

    /// <summary>Processes in all.</summary>
    Processes,

    /// <summary>What may be processes, unless another column is: <c>workers</c> may be the loader's.</summary>
    PerhapsProcesses,

    /// <summary>Processes of each machine.</summary>
    ProcessesPerNode,

    /// <summary>Machines.</summary>
    Nodes,

    /// <summary>A time.</summary>
    Time,

    /// <summary>Work in a time: the more the faster.</summary>
    Rate,

    /// <summary>How many times as fast as the first.</summary>
    Speedup,

    /// <summary>Speed-up for each process.</summary>
    Efficiency,

    /// <summary>The arithmetic's name.</summary>
    Precision,

    /// <summary>Whether mixed precision was on.</summary>
    MixedPrecision,

    /// <summary>Threads of each process.</summary>
    Threads,

    /// <summary>Samples of one step, all processes together.</summary>
    Batch,

    /// <summary>Samples of one step in each process.</summary>
    BatchPerProcess,

    /// <summary>What changes nothing: a number of the repeat, a spread, a loss.</summary>
    PassedOver,
}
