namespace Convoy.Lanes.Data;

/// <summary>What keeps a file of a data set from being used.</summary>
public enum DatasetProblemKind
{
    /// <summary>It is absent.</summary>
    Missing,

    /// <summary>It is there but can't be decoded.</summary>
    Broken,

    /// <summary>It is an image of which the labels lie outside.</summary>
    Misfit,

    /// <summary>It is an image with two labels that differ.</summary>
    Repeated,
}
