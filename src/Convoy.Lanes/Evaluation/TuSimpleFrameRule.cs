namespace Convoy.Lanes.Evaluation;

/// <summary>The benchmark's rule that decided a frame's score.</summary>
public enum TuSimpleFrameRule
{
    /// <summary>Lanes were compared point by point.</summary>
    Compared,

    /// <summary>The prediction took more than 200 ms: accuracy 0, false positives 0, false negatives 1.</summary>
    TooSlow,

    /// <summary>More than two lanes beyond the label's were predicted: accuracy 0, false positives 0, false negatives 1.</summary>
    TooManyLanes,
}
