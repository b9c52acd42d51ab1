namespace Convoy.Analysis.Bottlenecks;

/// <summary>Looks for one sort of cause.</summary>
internal interface IBottleneckRule
{
    /// <summary>The causes that the case shows, whatever their size; none where what it needs was not recorded.</summary>
    IEnumerable<Bottleneck> Examine(ScalingCase of);
}
