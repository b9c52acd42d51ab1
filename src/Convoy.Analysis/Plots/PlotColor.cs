namespace Convoy.Analysis.Plots;

/// <summary>
/// The colours of charts, by their names in the style sheet. They are those of M. Okabe and K. Ito, which people with any
/// kind of colour blindness can tell apart.
/// </summary>
public enum PlotColor
{
    /// <summary>The first series; the backward pass.</summary>
    Blue,

    /// <summary>The second series; communication.</summary>
    Vermillion,

    /// <summary>The third series; the optimizer.</summary>
    Green,

    /// <summary>The fourth series; waiting.</summary>
    Purple,

    /// <summary>The fifth series; data.</summary>
    Orange,

    /// <summary>The sixth series; the forward pass.</summary>
    Sky,

    /// <summary>What is there for comparison; other.</summary>
    Gray,
}
