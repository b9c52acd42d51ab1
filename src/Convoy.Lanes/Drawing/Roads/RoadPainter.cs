using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints scenes, from the sky to the rain on the glass. Usable by several threads at once.</summary>
internal sealed class RoadPainter
{
    private readonly NoiseTexture _grain = new(seed: 1, coarsest: 16, persistence: 0.9);
    private readonly NoiseTexture _smooth = new(seed: 2, coarsest: 128, persistence: 0.55);

    /// <summary>Paints a scene; the caller disposes the picture.</summary>
    public Picture Paint(RoadScene scene, ImageSize size)
    {
        var picture = new Picture(size);
        RoadCamera camera = scene.Camera.Scaled(size);
        SceneLight light = SceneLight.For(scene);
        var projection = new RoadProjection(camera, scene.Geometry);

        int groundTop = GroundPainter.Paint(picture, scene, camera, light, _grain, _smooth);
        SkyPainter.Paint(picture, scene, camera, light, _smooth, groundTop);
        picture.Canvas.Save();
        picture.Canvas.ClipRect(new SKRect(0, 0, size.Width, groundTop));
        WeatherPainter.PaintSun(picture.Canvas, scene, camera, size);
        picture.Canvas.Restore();
        BackdropPainter.Paint(picture, scene, camera, light, _smooth, groundTop);
        foreach (Tree tree in scene.Trees)
        {
            TreePainter.Paint(picture.Canvas, scene, projection, light, tree);
        }

        OverheadPainter.Paint(picture.Canvas, scene, projection, light);
        OncomingPainter.Paint(picture.Canvas, scene, projection, light);
        StreetLampPainter.Paint(picture.Canvas, scene, projection, light);
        RoadsidePainter.Paint(picture.Canvas, scene, projection, light, side: -1);
        RoadsidePainter.Paint(picture.Canvas, scene, projection, light, side: 1);
        var vehicles = new VehiclePainter(picture.Canvas, scene, projection, light);
        foreach (Vehicle vehicle in scene.Vehicles)
        {
            vehicles.Paint(vehicle);
        }

        WeatherPainter.Paint(picture.Canvas, scene, camera, light, size);
        picture.DarkenCorners(scene.Daylight == Daylight.Night ? 0.30f : 0.22f);
        return picture;
    }

    /// <summary>Paints nothing but the scene's lane lines, white on black; the caller disposes the picture.</summary>
    public Picture PaintLinesOnly(RoadScene scene, ImageSize size)
    {
        var picture = new Picture(size);
        GroundPainter.PaintLinesOnly(picture, scene, scene.Camera.Scaled(size), _grain);
        return picture;
    }
}
