namespace Convoy.Lanes.Drawing.Roads;

/// <summary>The kinds of vehicles that occlude lanes.</summary>
internal enum VehicleKind
{
    Sedan,

    /// <summary>A tall car with an upright rear.</summary>
    Suv,

    Van,

    /// <summary>A lorry with a box body.</summary>
    Truck,
}
