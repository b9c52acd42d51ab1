namespace Convoy.Analysis.Plots;

/// <summary>How a series marks its points, so that colour is not all that tells them apart.</summary>
public enum MarkerShape
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A square.</summary>
    Square,

    /// <summary>A triangle that points up.</summary>
    Triangle,

    /// <summary>A square on its corner.</summary>
    Diamond,
}
