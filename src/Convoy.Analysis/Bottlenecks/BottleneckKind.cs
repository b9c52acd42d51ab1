namespace Convoy.Analysis.Bottlenecks;

/// <summary>What takes time that ideal scaling would not.</summary>
public enum BottleneckKind
{
    /// <summary>More threads than cores.</summary>
    Oversubscription,

    /// <summary>One rank is slower than the others, step after step.</summary>
    Straggler,

    /// <summary>Ranks wait for each other, but not always for the same one.</summary>
    UnevenRanks,

    /// <summary>Training waits for the loader.</summary>
    DataLoading,

    /// <summary>The exchange of gradients: the number of messages.</summary>
    CommunicationLatency,

    /// <summary>The exchange of gradients: the amount of bytes.</summary>
    CommunicationBandwidth,

    /// <summary>The exchange of gradients, where latency and bandwidth cannot be told apart.</summary>
    Communication,

    /// <summary>Processes on one machine slow each other down: memory bandwidth or cache.</summary>
    MemoryContention,

    /// <summary>A process's share of the batch is too small to compute efficiently.</summary>
    SmallBatch,

    /// <summary>Batch norm's statistics over all processes.</summary>
    BatchNormSync,

    /// <summary>Work that every process repeats, or that only one can do.</summary>
    SerialPart,

    /// <summary>Costs that grow with every process, known from total times only.</summary>
    GrowingCost,

    /// <summary>The measurements vary too much to tell.</summary>
    Noise,
}
