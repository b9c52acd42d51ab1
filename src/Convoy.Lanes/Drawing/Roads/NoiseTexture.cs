namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Smooth random values that repeat every <see cref="Size"/> cells: for asphalt, clouds, worn paint and foliage.</summary>
internal sealed class NoiseTexture
{
    /// <summary>Cells along each side; a power of two.</summary>
    public const int Size = 512;

    private const int Wrap = Size - 1;

    private readonly float[] _values = new float[Size * Size];

    /// <param name="seed">Determines the values.</param>
    /// <param name="coarsest">Cells between the support points of the coarsest octave; a power of two up to <see cref="Size"/>.</param>
    /// <param name="persistence">How much weaker each finer octave is.</param>
    public NoiseTexture(long seed, int coarsest, double persistence)
    {
        double weight = 1;
        double power = 0;
        for (int cell = coarsest, octave = 0; cell >= 1; cell /= 2, octave++)
        {
            AddOctave(new SceneRandom(seed, octave), cell, (float)weight);
            power += weight * weight / 3;
            weight *= persistence;
        }

        float scale = (float)(1 / (Math.Sqrt(power) * 1.8));
        for (int i = 0; i < _values.Length; i++)
        {
            _values[i] = Math.Clamp(_values[i] * scale, -1, 1);
        }
    }

    /// <summary>The value, -1 to 1, of the cell that holds a point; coordinates wrap around.</summary>
    public float At(int x, int y) => _values[((y & Wrap) * Size) + (x & Wrap)];

    /// <summary>The value, -1 to 1, at a point between cells.</summary>
    public float Smooth(float x, float y)
    {
        float floorX = MathF.Floor(x);
        float floorY = MathF.Floor(y);
        int left = (int)floorX;
        int top = (int)floorY;
        float a = x - floorX;
        float b = y - floorY;
        float upper = At(left, top) + (a * (At(left + 1, top) - At(left, top)));
        float lower = At(left, top + 1) + (a * (At(left + 1, top + 1) - At(left, top + 1)));
        return upper + (b * (lower - upper));
    }

    private void AddOctave(SceneRandom random, int cell, float weight)
    {
        int count = Size / cell;
        var lattice = new float[count * count];
        for (int i = 0; i < lattice.Length; i++)
        {
            lattice[i] = (float)random.Between(-1, 1);
        }

        for (int y = 0; y < Size; y++)
        {
            int top = y / cell * count;
            int bottom = (y / cell + 1) % count * count;
            float b = Ease((y % cell) / (float)cell);
            for (int x = 0; x < Size; x++)
            {
                int left = x / cell;
                int right = (left + 1) % count;
                float a = Ease((x % cell) / (float)cell);
                float upper = lattice[top + left] + (a * (lattice[top + right] - lattice[top + left]));
                float lower = lattice[bottom + left] + (a * (lattice[bottom + right] - lattice[bottom + left]));
                _values[(y * Size) + x] += weight * (upper + (b * (lower - upper)));
            }
        }
    }

    private static float Ease(float t) => t * t * (3 - (2 * t));
}
