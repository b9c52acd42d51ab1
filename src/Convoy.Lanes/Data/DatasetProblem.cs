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

/// <summary>A file of a data set that can't be used.</summary>
/// <param name="File">The file's absolute path.</param>
/// <param name="Kind">What keeps it from being used.</param>
/// <param name="Reason">What is wrong and what to do about it.</param>
public sealed record DatasetProblem(string File, DatasetProblemKind Kind, string Reason);
