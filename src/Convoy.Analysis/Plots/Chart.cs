namespace Convoy.Analysis.Plots;

/// <summary>
/// Everything that a chart shows, in words and numbers: what the files, the page's drawing and its table are made from, so
/// that they cannot differ.
/// </summary>
/// <param name="Name">Its file name without ending, such as <c>speedup</c>.</param>
/// <param name="Title">What it shows, in a few words.</param>
/// <param name="Description">What one sees in it: plain sentences.</param>
public abstract record Chart(string Name, string Title, string Description);
