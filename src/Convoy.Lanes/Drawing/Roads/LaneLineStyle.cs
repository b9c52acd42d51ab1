namespace Convoy.Lanes.Drawing.Roads;

/// <summary>How a lane line is marked on the road.</summary>
internal enum LaneLineStyle
{
    /// <summary>One unbroken stripe.</summary>
    Solid,

    /// <summary>Stripes with gaps.</summary>
    Dashed,

    /// <summary>Two unbroken stripes; the label runs midway between them.</summary>
    Double,

    /// <summary>Raised dots in groups, as on Californian freeways.</summary>
    Dots,
}
