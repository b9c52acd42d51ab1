namespace Convoy.Lanes.Tests.Data;

/// <summary>Where the real frames are, if they are: CONVOY_TEST_DATA, else ../shared/data beside the repository.</summary>
internal static class RealFrames
{
    public static string TuSimple()
    {
        string? data = Environment.GetEnvironmentVariable("CONVOY_TEST_DATA");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); data is null && at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Convoy.slnx")))
            {
                data = Path.Combine(at.FullName, "..", "shared", "data");
            }
        }

        string folder = Path.Combine(data ?? ".", "tusimple");
        Assert.SkipUnless(Directory.Exists(folder), $"no real frames in {folder}; set CONVOY_TEST_DATA to the folder that has tusimple/");
        return folder;
    }
}
