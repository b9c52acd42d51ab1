using Convoy.Lanes.Evaluation;

namespace Convoy.Lanes.Tests.Evaluation;

public sealed class TuSimpleFrameCsvTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_Frames_GivesOneRowEachQuotedWhereNeeded()
    {
        string path = _folder.File("frames.csv");
        TuSimpleFrameCsv.Write(path,
        [
            new("clips/a/20.jpg", 0.875, -0.5, 0.25, 4, 3, 41.5, TuSimpleFrameRule.Compared),
            new("a,\"b\"", 0, 0, 1, 2, 5, 201, TuSimpleFrameRule.TooManyLanes),
        ]);
        Assert.Equal(
            TuSimpleFrameCsv.Header + "\nclips/a/20.jpg,0.875,-0.5,0.25,4,3,41.5,compared\n\"a,\"\"b\"\"\",0,0,1,2,5,201,too_many_lanes\n",
            File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
    }
}
