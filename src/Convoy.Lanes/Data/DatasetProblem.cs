namespace Convoy.Lanes.Data;

/// <summary>A file of a data set that can't be used.</summary>
/// <param name="File">The file's absolute path.</param>
/// <param name="Kind">What keeps it from being used.</param>
/// <param name="Reason">What is wrong and what to do about it.</param>
public sealed record DatasetProblem(string File, DatasetProblemKind Kind, string Reason);
