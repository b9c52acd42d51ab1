namespace Convoy.Lanes.Drawing.Roads;

/// <summary>What stands beside the road.</summary>
internal enum Roadside
{
    /// <summary>Grass only.</summary>
    Open,

    /// <summary>A concrete barrier.</summary>
    Barrier,

    /// <summary>A guard rail of steel on posts.</summary>
    GuardRail,

    /// <summary>A noise wall, several metres high.</summary>
    Wall,
}
