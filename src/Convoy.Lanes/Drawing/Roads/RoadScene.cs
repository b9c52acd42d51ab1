namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Everything that one drawn frame shows, in metres; what is painted and what is labelled both come from here.</summary>
internal sealed record RoadScene
{
    /// <summary>The camera for a picture of 1280x720.</summary>
    public required RoadCamera Camera { get; init; }

    public required RoadGeometry Geometry { get; init; }

    /// <summary>The lane lines from left to right, 2 to 5.</summary>
    public required IReadOnlyList<LaneLine> Lines { get; init; }

    /// <summary>Lines are labelled up to this many metres ahead.</summary>
    public required double LabelDistance { get; init; }

    public required Daylight Daylight { get; init; }

    public required Weather Weather { get; init; }

    /// <summary>Metres after which haze has taken about two thirds of the contrast.</summary>
    public required double Visibility { get; init; }

    /// <summary>The sun's side: -1 is left, 1 is right, 0 straight ahead. Shadows fall to the other side.</summary>
    public required double SunSide { get; init; }

    public required Pavement Pavement { get; init; }

    public required Roadside LeftSide { get; init; }

    public required Roadside RightSide { get; init; }

    /// <summary>The shadows of bridges and trees; those of vehicles follow from the vehicles.</summary>
    public required IReadOnlyList<RoadShadow> Shadows { get; init; }

    /// <summary>Metres to a bridge over the road, if there is one.</summary>
    public required double? Bridge { get; init; }

    /// <summary>Metres to an overhead sign, if there is one.</summary>
    public required double? Gantry { get; init; }

    public required IReadOnlyList<Tree> Trees { get; init; }

    /// <summary>The vehicles, the farthest first.</summary>
    public required IReadOnlyList<Vehicle> Vehicles { get; init; }

    /// <summary>Metres to the headlights of oncoming traffic beyond the left border, the farthest first.</summary>
    public required IReadOnlyList<double> Oncoming { get; init; }

    /// <summary>Metres from one street lamp on the right to the next, if there are any.</summary>
    public required double? StreetLamps { get; init; }

    /// <summary>Height of the hills at the horizon in degrees; 0 for none.</summary>
    public required double Mountains { get; init; }

    /// <summary>Where the textures of this frame start.</summary>
    public required int TextureSeed { get; init; }

    /// <summary>Metres right of the ego lane's centre where the pavement begins.</summary>
    public double PavementLeft => Lines[0].Lateral - Pavement.LeftShoulder;

    /// <summary>Metres right of the ego lane's centre where the pavement ends.</summary>
    public double PavementRight => Lines[^1].Lateral + Pavement.RightShoulder;

    /// <summary>True if the sun casts sharp shadows.</summary>
    public bool Sunny => Daylight != Daylight.Night && Weather == Weather.Clear;
}
